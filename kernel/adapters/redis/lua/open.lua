-- Lease a run to its producer or its collector; a producer's open creates the run.
-- Run record: position (lines appended), offset and sha of the input so far, token and base of the last append,
-- answers (given so far), written (lines safe with the collector), lines (once finished),
-- cents and cents_high (accepted; the second counts in 10^12 cents and is there once it is needed),
-- n:<code> (answers by code), produce / collect ("<deadline> <owner>" of either lease).
-- ARGV: 1 incarnation 2 now 3 run 4 owner 5 kind 6 run lease ms
-- -> OPENED, position, offset, sha, lines or "" | WAIT, deadline | ABSENT | GONE
if gone() then return {'GONE'} end
local run_key, kind = key('run:' .. ARGV[3]), ARGV[5]
local run = redis.call('HMGET', run_key, 'position', 'offset', 'sha', 'lines', kind)
if not run[1] and kind == 'collect' then return {'ABSENT'} end
if run[5] then
  local deadline, owner = string.match(run[5], '^(%d+) (.*)$')
  if owner ~= ARGV[4] and not expired(tonumber(deadline), tonumber(ARGV[6])) then
    return {'WAIT', deadline}
  end
end
if not run[1] then
  redis.call('HSET', run_key, 'position', 0, 'offset', 0, 'sha', '', 'answers', 0, 'written', 0, 'cents', 0)
  redis.call('SADD', key('runs'), ARGV[3])
  run = {'0', '0', '', false}
end
redis.call('HSET', run_key, kind, (now + tonumber(ARGV[6])) .. ' ' .. ARGV[4])
return {'OPENED', run[1], run[2], run[3], run[4] or ''}
