-- What a turn decides on beside the windows: cursors, gates, notes, and how far each run is decided in each partition
-- (scheduling.md, rule 6; protocol.md, section 4). Writes nothing. The windows are read by plain HMGETs in the same MULTI:
-- one atomic read, and Lua does not make two strings for each customer and each record.
-- ARGV: 1 incarnation 2 now 3 partitions (n) 4 days (m) 5 runs (r), then n partitions, m days, r runs
-- -> LOADED, {cursor...}, {front...}, {used...}, {<p>:<position>, note...}, {{last line by partition...} per run} | GONE
if gone() then return {'GONE'} end
local n, m, r = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
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
  cursors[i] = ARGV[5 + i] .. ':c'
  asked[ARGV[5 + i]] = true
end
if n > 0 then cursors = redis.call('HMGET', key('parts'), unpack(cursors)) end
local noted = redis.call('HGETALL', key('notes'))
for i = 1, #noted, 2 do
  if asked[string.match(noted[i], '^(%d+):')] then notes[#notes + 1], notes[#notes + 2] = noted[i], noted[i + 1] end
end
local at = 6 + n
for i = 0, r - 1 do decided[i + 1] = read('run:' .. ARGV[at + m + i] .. ':decided', 6, n) end
return {'LOADED', cursors, read('front', at, m), read('used', at, m), notes, decided}
