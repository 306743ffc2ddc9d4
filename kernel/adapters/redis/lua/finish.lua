-- Write a run's line count: the end of the stream is a field, never an entry.
-- ARGV: 1 incarnation 2 now 3 run 4 owner 5 lines
-- -> FINISHED | ALREADY | REWOUND, position | CLOSED | GONE
if gone() then return {'GONE'} end
local run_key = key('run:' .. ARGV[3])
local run = redis.call('HMGET', run_key, 'position', 'lines', 'produce')
if not run[1] then return {'CLOSED'} end
if run[2] then return {run[2] == ARGV[5] and 'ALREADY' or 'CLOSED'} end
if not run[3] or string.match(run[3], '^%d+ (.*)$') ~= ARGV[4] then return {'CLOSED'} end
if run[1] ~= ARGV[5] then return {'REWOUND', run[1]} end
redis.call('HSET', run_key, 'lines', ARGV[5])
redis.call('HDEL', run_key, 'produce') -- nobody need wait for an owner that is done
return {'FINISHED'}
