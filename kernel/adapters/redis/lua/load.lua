-- One atomic read of what a turn decides on: cursors, gates, notes, windows (scheduling.md, rule 6). Writes nothing.
-- ARGV: 1 incarnation 2 now 3 partitions (n) 4 days (m) 5 weeks (k), then n partitions, m days, per week: week, customers (c), c customers
-- -> LOADED, {cursor...}, {front...}, {used...}, {<p>:<position> of each note...}, {window...} per week | GONE
if gone() then return {'GONE'} end
local n, m, k = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local function read(name, first, total)
  local got = {}
  for at = first, first + total - 1, SLICE do
    local slice = redis.call('HMGET', key(name), unpack(ARGV, at, math.min(at + SLICE, first + total) - 1))
    if total <= SLICE then return slice end
    for i = 1, #slice do got[#got + 1] = slice[i] end
  end
  return got
end
local cursors = {}
for i = 1, n do cursors[i] = redis.call('HGET', key('parts'), ARGV[5 + i] .. ':c') end
local notes, asked = {}, {}
for i = 1, n do asked[ARGV[5 + i]] = true end
for _, field in ipairs(redis.call('HKEYS', key('notes'))) do
  if asked[string.match(field, '^(%d+):')] then notes[#notes + 1] = field end
end
local at = 6 + n
local out = {'LOADED', cursors, read('front', at, m), read('used', at, m), notes}
at = at + m
for _ = 1, k do
  local total = tonumber(ARGV[at + 1])
  out[#out + 1] = read('w:' .. ARGV[at], at + 2, total)
  at = at + 2 + total
end
return out
