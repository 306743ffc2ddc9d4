-- Repair what crashes leave behind, at most once a tick; without faults there is nothing (scheduling.md, rules 15, 16).
-- Touches no parked, halted or idle partition, no gate and no wait: a repair there would hide a bug of a script.
-- ARGV: 1 incarnation 2 now 3 worker 4 tick ms 5 lease ms 6 shift ms 7 worker ttl ms 8 ring ms 9 P
-- -> TICKED, leases freed, listed again, shifts removed, bells rung, ring | EARLY | GONE
if gone() then return {'GONE'} end
redis.call('ZADD', key('workers'), now + tonumber(ARGV[7]), ARGV[3])
local before = redis.call('HGET', KEYS[1], 'tick')
local due = not before or now - tonumber(before) >= tonumber(ARGV[4]) or now < tonumber(before)
if not due then return {'EARLY'} end
redis.call('HSET', KEYS[1], 'tick', now)
local lease_ms, shift_ms, ring_ms = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[8])

local freed, listed, bells, dead = 0, 0, 0, 0
for _, lease in ipairs(by_partition('leases')) do
  local deadline, holder = string.match(lease[2], '^(%d+) (.*)$')
  if expired(tonumber(deadline), lease_ms) then
    dead = dead + reclaim(lease[1], holder)
    freed = freed + 1
  end
end
redis.call('ZADD', key('workers'), now + tonumber(ARGV[7]), ARGV[3])
local in_list = {}
for _, p in ipairs(redis.call('LRANGE', key('ready'), 0, -1)) do in_list[p] = true end
for p = 0, tonumber(ARGV[9]) - 1 do
  if not in_list[text(p)] and redis.call('HGET', key('parts'), p .. ':s') == 'ready' then
    redis.call('RPUSH', key('ready'), p)
    listed = listed + 1
  end
end
dead = dead + redis.call('ZREMRANGEBYSCORE', key('shifts'), '-inf', now)
  + redis.call('ZREMRANGEBYSCORE', key('shifts'), '(' .. (now + 2 * shift_ms), '+inf')
local rung = 0
if redis.call('LLEN', key('ready')) > 0 and live_shifts(shift_ms) == 0 then
  rung = ring(ring_ms, shift_ms)
  bells = rung
end
redis.call('ZREMRANGEBYSCORE', key('workers'), '-inf', now)
redis.call('ZREMRANGEBYSCORE', key('workers'), '(' .. (now + 2 * tonumber(ARGV[7])), '+inf')
count('leases_reclaimed', freed)
count('tick_repairs', freed + listed + dead + bells)
return {'TICKED', freed, listed, dead, bells, rung}
