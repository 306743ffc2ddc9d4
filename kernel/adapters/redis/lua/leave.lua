-- Give a run's lease back, so that whoever comes next need not wait until it runs out. Another owner's is left alone.
-- ARGV: 1 incarnation 2 now 3 run 4 owner 5 kind
-- -> LEFT | CLOSED | GONE
if gone() then return {'GONE'} end
local run_key = key('run:' .. ARGV[3])
local lease = redis.call('HGET', run_key, ARGV[5])
if not lease or string.match(lease, '^%d+ (.*)$') ~= ARGV[4] then return {'CLOSED'} end
redis.call('HDEL', run_key, ARGV[5])
return {'LEFT'}
