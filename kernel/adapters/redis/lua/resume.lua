-- Let a halted partition go on, with a note if its head is to be skipped (scheduling.md, rule 19).
-- A note moves neither cursor nor front: the attempt is declined when its turn comes (hole 7). The new halt token
-- refuses whoever decided the head before the note.
-- ARGV: 1 incarnation 2 now 3 partition 4 cursor 5 token 6 who 7 sequence number to skip (0: none) 8 reason
--   9 acts in the audit, most 10 ring ms 11 shift ms 12 entry that holds the attempt to skip 13 asked for at, ms
--   14 counts for ms 15 the act, sealed
-- -> RESUMED, ring | ALREADY | STALE | REPLAYED | BEHIND | NOT_HALTED | OTHER_HEAD | GONE
if gone() then return {'GONE'} end
local p, parts = ARGV[3], key('parts')
local f = redis.call('HMGET', parts, p .. ':s', p .. ':c', p .. ':r', p .. ':u')
if f[4] == ARGV[5] then return {'ALREADY'} end
local until_ms = tonumber(ARGV[13]) + tonumber(ARGV[14])
if expired(until_ms, tonumber(ARGV[14])) then return {'STALE'} end
if redis.call('ZSCORE', key('acts'), ARGV[5]) then return {'REPLAYED'} end
if f[1] ~= 'halted' then return {'NOT_HALTED'} end
if f[2] ~= ARGV[4] then return {'BEHIND'} end
local skips = ARGV[7] ~= '0'
if skips then
  -- who names an attempt has seen its entry: after a lost tail another one may stand at the same cursor
  local head = redis.call('XRANGE', key('log:' .. p), '(' .. ARGV[4] .. '-18446744073709551615', '+', 'COUNT', 1)[1]
  if not head or head[1] ~= ARGV[12] or tonumber(ARGV[7]) < tonumber(head[2][4]) then return {'OTHER_HEAD'} end
end
redis.call('HDEL', parts, p .. ':f', p .. ':r')
redis.call('ZREMRANGEBYSCORE', key('acts'), '-inf', now)
redis.call('ZADD', key('acts'), until_ms, ARGV[5])
redis.call('HSET', parts, p .. ':h', ARGV[5] .. stamp, p .. ':u', ARGV[5])
if skips then redis.call('HSET', key('notes'), p .. ':' .. ARGV[4], ARGV[15]) end
free(p)
local act = {text(now), ARGV[6], skips and 'skip' or 'resume', p, ARGV[4], ARGV[7], ARGV[8], f[3] or '', ARGV[15]}
redis.call('RPUSH', key('audit'), cjson.encode(act))
redis.call('LTRIM', key('audit'), -tonumber(ARGV[9]), -1)
count(skips and 'skips' or 'resumes', 1)
return {'RESUMED', ring(tonumber(ARGV[10]), tonumber(ARGV[11]))}
