-- Lease ready partitions to a shift and return all that it holds, with the entries at hand (scheduling.md, rules 5, 20, 21).
-- ARGV: 1 incarnation 2 now 3 shift 4 worker 5 limit of attempts 6 lease ms 7 shift ms 8 worker ttl ms 9 ring ms
--   10 policy (share | all | one) 11 partitions to take first (comma-joined) 12 P
-- -> TAKEN, ring, share, {p, cursor, end, halt token, {id, base, preds, sealed}...}... | GONE
if gone() then return {'GONE'} end
local shift, limit, lease_ms, shift_ms = ARGV[3], tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
if redis.call('ZADD', key('shifts'), now + shift_ms, shift) == 1 then redis.call('HDEL', KEYS[1], 'ring') end

-- what others let run out is free again (hole 9); what is mine is renewed
local mine, leased = {}, 0
for _, lease in ipairs(by_partition('leases')) do
  local deadline, holder = string.match(lease[2], '^(%d+) (.*)$')
  if holder == shift then
    mine[#mine + 1] = lease[1]
    leased = leased + 1
  elseif expired(tonumber(deadline), lease_ms) then
    reclaim(lease[1], holder)
    count('leases_reclaimed', 1)
  else
    leased = leased + 1
  end
end

redis.call('ZADD', key('workers'), now + tonumber(ARGV[8]), ARGV[4])
local ready = redis.call('LRANGE', key('ready'), 0, -1)
local share = math.ceil((#ready + leased) / math.max(known_workers(), 1))
local want = #ready
if ARGV[10] == 'one' then share, want = 1, math.max(1 - #mine, 0) end
if ARGV[10] == 'share' then want = math.max(share - #mine, 0) end
if ARGV[10] == 'all' then share = tonumber(ARGV[12]) end
local chosen, is_ready, is_chosen = {}, {}, {}
for _, p in ipairs(ready) do is_ready[p] = true end
local function choose(p)
  if #chosen < want and is_ready[p] and not is_chosen[p] then
    chosen[#chosen + 1], is_chosen[p] = p, true
  end
end
for p in string.gmatch(ARGV[11], '%d+') do choose(p) end
for _, p in ipairs(ready) do choose(p) end
for _, p in ipairs(chosen) do
  mine[#mine + 1] = p
  redis.call('LREM', key('ready'), 1, p)
  redis.call('HSET', key('parts'), p .. ':s', 'leased')
end
table.sort(mine, function(a, b) return tonumber(a) < tonumber(b) end)
for _, p in ipairs(mine) do redis.call('HSET', key('leases'), p, (now + lease_ms) .. ' ' .. shift) end

-- entries in the order of their first sequence numbers, over all partitions held, until `limit` attempts are at hand
local held, rows = {}, 0
local function fill(h)
  h.got = redis.call('XRANGE', key('log:' .. h.p), h.from, '+', 'COUNT', h.ask)
  h.at, h.ask = 1, math.min(h.ask * 2, 256)
end
for i, p in ipairs(mine) do
  local f = redis.call('HMGET', key('parts'), p .. ':c', p .. ':e', p .. ':h')
  held[i] = {p = p, out = {p, f[1], f[2], f[3]}, stop = tonumber(f[1]), from = '(' .. f[1] .. '-18446744073709551615', ask = 4}
  fill(held[i])
end
local taken = 0
while rows < limit and taken < 1024 do
  local best, best_base
  for _, h in ipairs(held) do
    local entry = h.got[h.at]
    if entry then
      local base = tonumber(entry[2][4])
      if not best or base < best_base then best, best_base = h, base end
    end
  end
  if not best then break end
  local entry = best.got[best.at]
  local stop = tonumber(string.match(entry[1], '^(%d+)'))
  best.out[#best.out + 1] = {entry[1], entry[2][4], entry[2][6], entry[2][2]}
  rows, taken = rows + stop - best.stop, taken + 1
  best.stop, best.at, best.from = stop, best.at + 1, '(' .. entry[1]
  if not best.got[best.at] then fill(best) end
end

local out = {'TAKEN', 0, share}
if #ready > #chosen and live_shifts(shift_ms) < known_workers() and not ring_pending(tonumber(ARGV[9])) then
  redis.call('HSET', KEYS[1], 'ring', now + tonumber(ARGV[9]))
  out[2] = 1
end
for _, h in ipairs(held) do out[#out + 1] = h.out end
return out
