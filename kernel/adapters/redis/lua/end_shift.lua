-- Free what a shift holds and remove it, unless something is ready and it may go on (scheduling.md, rule 14). Idempotent.
-- ARGV: 1 incarnation 2 now 3 shift 4 forced (1: ended by time or by the stop flag) 5 ring ms 6 shift ms
-- -> CONTINUE | ENDED, ring | GONE
if gone() then return {'GONE'} end
for _, lease in ipairs(by_partition('leases')) do
  if string.match(lease[2], '^%d+ (.*)$') == ARGV[3] then free(lease[1]) end
end
if ARGV[4] ~= '1' and redis.call('LLEN', key('ready')) > 0 and redis.call('ZSCORE', key('shifts'), ARGV[3]) then
  redis.call('ZADD', key('shifts'), now + tonumber(ARGV[6]), ARGV[3])
  return {'CONTINUE'}
end
redis.call('ZREM', key('shifts'), ARGV[3])
return {'ENDED', ring(tonumber(ARGV[5]), tonumber(ARGV[6]))}
