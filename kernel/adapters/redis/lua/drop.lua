-- Remove a ledger in steps, its record last. UNLINK frees the memory beside the main thread.
-- KEYS[1] record  KEYS[2] fl:throwaway   ARGV: 1 incarnation 2 now 3 ledger 4 keys in one step, most
-- -> MORE | DROPPED
if gone() then return {'DROPPED'} end
local most = tonumber(ARGV[4])
local doomed = {}
for _, run in ipairs(redis.call('SPOP', key('runs'), most)) do
  doomed[#doomed + 1] = key('run:' .. run)
  doomed[#doomed + 1] = key('run:' .. run .. ':replies')
  doomed[#doomed + 1] = key('run:' .. run .. ':decided')
end
for _, week in ipairs(redis.call('SPOP', key('weeks'), most)) do doomed[#doomed + 1] = key('w:' .. week) end
if #doomed > 0 then
  for i = 1, #doomed do redis.call('UNLINK', doomed[i]) end
  return {'MORE'}
end
for p = 0, tonumber(redis.call('HGET', KEYS[1], 'partitions')) - 1 do redis.call('UNLINK', key('log:' .. p)) end
redis.call('UNLINK', key('ids'), key('parts'), key('ready'), key('leases'), key('waits'), key('shifts'), key('workers'),
  key('bell'), key('last'), key('front'), key('used'), key('weeks'), key('runs'), key('counters'),
  key('notes'), key('acts'), key('audit'), key('flights'), key('outcomes'), key('kept'), key('waited'), key('flight_log'), KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[3])
return {'DROPPED'}
