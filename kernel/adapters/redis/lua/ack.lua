-- The collector has lines safe on disk: remember how many, trim the channel below the entry acknowledged (flow 6).
-- What is written never becomes less: a repeat, or a request that was on its way for long, says nothing new.
-- ARGV: 1 incarnation 2 now 3 run 4 owner 5 entry id ("" renews only) 6 lines written 7 run lease ms
-- -> ACKED | REWOUND (that entry is gone) | CLOSED | GONE
if gone() then return {'GONE'} end
local run_key = key('run:' .. ARGV[3])
local lease, written = unpack(redis.call('HMGET', run_key, 'collect', 'written'))
if not lease or string.match(lease, '^%d+ (.*)$') ~= ARGV[4] then return {'CLOSED'} end
if ARGV[5] ~= '' then
  if #redis.call('XRANGE', run_key .. ':replies', ARGV[5], ARGV[5]) == 0 then return {'REWOUND'} end
  redis.call('XTRIM', run_key .. ':replies', 'MINID', ARGV[5])
  if tonumber(ARGV[6]) > tonumber(written) then redis.call('HSET', run_key, 'written', ARGV[6]) end
end
redis.call('HSET', run_key, 'collect', (now + tonumber(ARGV[7])) .. ' ' .. ARGV[4])
return {'ACKED'}
