-- Wait for an answer: whoever is attached to the ledger may give it, and may ask what it came to (outcomes.py).
-- ARGV: 1 incarnation 2 now 3 trace id 4 time-out ms 5 how long outcomes are kept, ms 6 how many, most
-- -> REGISTERED | IN_FLIGHT | GONE
if gone() then return {'GONE'} end
if redis.call('ZSCORE', key('flights'), ARGV[3]) then return {'IN_FLIGHT'} end
forget_outcomes(tonumber(ARGV[5]), tonumber(ARGV[6]))
redis.call('HDEL', key('outcomes'), ARGV[3]) -- what an earlier wait for the same came to
redis.call('ZREM', key('kept'), ARGV[3])
redis.call('ZADD', key('flights'), now + tonumber(ARGV[4]), ARGV[3])
redis.call('HINCRBY', key('waited'), 'registered', 1)
note_flight('registered', ARGV[3])
return {'REGISTERED'}
