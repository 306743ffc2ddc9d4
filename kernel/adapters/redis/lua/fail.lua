-- An attempt raised, or its batch cannot be trusted: count it; the second time at a cursor the partition halts (rule 17).
-- ARGV: 1 incarnation 2 now 3 shift 4 token 5 partition 6 cursor 7 entry 8 reason 9 fatal (1: halt at once) 10 position of a note that cannot be trusted
-- -> RETRY | HALTED | LOST | BEHIND | REWOUND | GONE
if gone() then return {'GONE'} end
local p, parts = ARGV[5], key('parts')
local f = redis.call('HMGET', parts, p .. ':s', p .. ':c', p .. ':f')
if f[1] == 'halted' then return {'HALTED'} end
local lease = redis.call('HGET', key('leases'), p)
if not lease or string.match(lease, '^%d+ (.*)$') ~= ARGV[3] then return {'LOST'} end
if f[2] ~= ARGV[6] then return {'BEHIND'} end
if #redis.call('XRANGE', key('log:' .. p), ARGV[7], ARGV[7]) == 0 then return {'REWOUND'} end
local failures = 1
if f[3] then
  local cursor, times, token = string.match(f[3], '^(%d+) (%d+) (%d+)$')
  if cursor == ARGV[6] then
    if token == ARGV[4] then return {'RETRY'} end
    failures = tonumber(times) + 1
  end
end
if failures < 2 and ARGV[9] ~= '1' then
  redis.call('HSET', parts, p .. ':f', ARGV[6] .. ' ' .. failures .. ' ' .. ARGV[4])
  return {'RETRY'}
end
redis.call('HDEL', key('leases'), p)
if ARGV[10] ~= '' then redis.call('HDEL', key('notes'), p .. ':' .. ARGV[10]) end
redis.call('HSET', parts, p .. ':s', 'halted', p .. ':h', ARGV[4] .. stamp, p .. ':r', ARGV[8], p .. ':w', text(now))
count('halts', 1)
count('halts:' .. string.match(ARGV[8], '^[^:]*'), 1)
return {'HALTED'}
