-- Answer, or stop waiting: the first one is what the wait came to, whatever comes behind it changes nothing.
-- ARGV: 1 incarnation 2 now 3 trace id 4 status (success, error, cancelled) 5 outcome, JSON
--       6 how long outcomes are kept, ms 7 how many, most
-- -> FIRST | DUPLICATE (there is an outcome) | LATE (the id is not known) | IDLE (a cancel of what nobody waits for) | GONE
if gone() then return {'GONE'} end
if redis.call('ZSCORE', key('flights'), ARGV[3]) then
  end_flight(ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7]))
  return {'FIRST'}
end
if ARGV[4] == 'cancelled' then return {'IDLE'} end
forget_outcomes(tonumber(ARGV[6]), tonumber(ARGV[7]))
local is_known = redis.call('HEXISTS', key('outcomes'), ARGV[3]) == 1
redis.call('HINCRBY', key('waited'), is_known and 'duplicate_terminal' or 'late_reply_drop', 1)
note_flight(is_known and 'duplicate' or 'late', ARGV[3])
return {is_known and 'DUPLICATE' or 'LATE'}
