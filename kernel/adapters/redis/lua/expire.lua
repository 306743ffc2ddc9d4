-- End the waits whose deadline has come, earliest first.
-- ARGV: 1 incarnation 2 now 3 outcome, JSON 4 how long outcomes are kept, ms 5 how many, most 6 waits in one step, most
-- -> EXPIRED, trace ids ... | GONE
if gone() then return {'GONE'} end
local due = redis.call('ZRANGEBYSCORE', key('flights'), '-inf', now, 'LIMIT', 0, ARGV[6])
for i = 1, #due do end_flight(due[i], 'timeout', ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])) end
forget_outcomes(tonumber(ARGV[4]), tonumber(ARGV[5]))
return {'EXPIRED', unpack(due)}
