-- One atomic read of what a turn decides on: cursors, gates, notes, windows, and how far each run is decided in each
-- partition (scheduling.md, rule 6; protocol.md, section 4). Writes nothing.
-- ARGV: 1 incarnation 2 now 3 partitions (n) 4 days (m) 5 weeks (k) 6 runs (r), then n partitions, m days, r runs,
--   per week: week, customers (c), c customers
-- -> LOADED, {cursor...}, {front...}, {used...}, {<p>:<position>, note...}, {{last line by partition...} per run}, {window...} per week | GONE
if gone() then return {'GONE'} end
local n, m, k, r = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local function read(name, first, total)
  local got = {}
  for at = first, first + total - 1, SLICE do
    local slice = redis.call('HMGET', key(name), unpack(ARGV, at, math.min(at + SLICE, first + total) - 1))
    if total <= SLICE then return slice end
    for i = 1, #slice do got[#got + 1] = slice[i] end
  end
  return got
end
local cursors, notes, asked, decided = {}, {}, {}, {}
for i = 1, n do
  cursors[i] = ARGV[6 + i] .. ':c'
  asked[ARGV[6 + i]] = true
end
if n > 0 then cursors = redis.call('HMGET', key('parts'), unpack(cursors)) end
local noted = redis.call('HGETALL', key('notes'))
for i = 1, #noted, 2 do
  if asked[string.match(noted[i], '^(%d+):')] then notes[#notes + 1], notes[#notes + 2] = noted[i], noted[i + 1] end
end
local at = 7 + n
for i = 0, r - 1 do decided[i + 1] = read('run:' .. ARGV[at + m + i] .. ':decided', 7, n) end
local out = {'LOADED', cursors, read('front', at, m), read('used', at, m), notes, decided}
at = at + m + r
for _ = 1, k do
  local total = tonumber(ARGV[at + 1])
  out[#out + 1] = read('w:' .. ARGV[at], at + 2, total)
  at = at + 2 + total
end
return out
