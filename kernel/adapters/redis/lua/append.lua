-- Number a chunk's lines and put all that it gave in its places (architecture.md, flow 1; scheduling.md, rules 1, 3, 4).
-- ARGV: 1 incarnation 2 now 3 run 4 owner 5 token 6 position expected 7 lines 8 offset after 9 sha after 10 digest
--   11 lines in flight, most 12 run lease ms 13 ring ms 14 shift ms
--   15 new fields, each with its fingerprint behind it (n, msgpack) 16 owned fields (m) 17 batches 18 days 19 declined answers 20 declined sealed 21 tally of codes
--   22 tail of the ledger as this producer's last append left it, or ""
--   then m owned fields, m fingerprints,
--   per batch: partition, count, sealed, days of open candidates (comma-joined); per day: day, offset of its last candidate
-- -> APPENDED, base, ring, tail | ALREADY, base | REWOUND, position | FULL | CONFLICT | RULES | CLOSED | GONE
if gone() then return {'GONE'} end
local run_key = key('run:' .. ARGV[3])
local run = redis.call('HMGET', run_key, 'produce', 'position', 'lines', 'token', 'base', 'written', 'answers')
if not run[2] or run[3] or not run[1] or string.match(run[1], '^%d+ (.*)$') ~= ARGV[4] then return {'CLOSED'} end
local position, lines = tonumber(run[2]), tonumber(ARGV[7])
if position ~= tonumber(ARGV[6]) then
  if run[4] == ARGV[5] and position == tonumber(ARGV[6]) + lines then return {'ALREADY', run[5]} end
  return {'REWOUND', run[2]}
end
local in_flight = position - tonumber(run[6])
if in_flight > 0 and in_flight + lines > tonumber(ARGV[11]) then return {'FULL'} end

-- The read set: who was free is free, who was owned is owned by the same. It was read after this producer's last append;
-- if that is still the ledger's last one, nobody has claimed anything since, and a lost tail only freed ids again.
local ledger = redis.call('HMGET', KEYS[1], 'digest', 'next_seq', 'tail')
local n_owned, n_batches, n_days = tonumber(ARGV[16]), tonumber(ARGV[17]), tonumber(ARGV[18])
local new = cmsgpack.unpack(ARGV[15])
local n_new = #new
local is_next = ARGV[22] ~= '' and ARGV[22] == ledger[3]
for first = is_next and n_new + 1 or 1, n_new, 2 * SLICE do
  local fields = {}
  for i = first, math.min(first + 2 * SLICE - 1, n_new), 2 do fields[#fields + 1] = new[i] end
  local owners = redis.call('HMGET', key('ids'), unpack(fields))
  for i = 1, #owners do
    if owners[i] then return {'CONFLICT'} end
  end
end
local at_owned = 23
local at_owned_prints = at_owned + n_owned
for first = at_owned, at_owned_prints - 1, SLICE do
  local owners = redis.call('HMGET', key('ids'), unpack(ARGV, first, math.min(first + SLICE, at_owned_prints) - 1))
  for i = 1, #owners do
    if owners[i] ~= ARGV[first + n_owned + i - 1] then return {'CONFLICT'} end
  end
end
if ledger[1] ~= ARGV[10] then return {'RULES'} end

-- all checks passed: write
local base, token = tonumber(ledger[2]), ARGV[5] .. stamp
redis.call('HSET', KEYS[1], 'next_seq', text(base + lines), 'tail', token)
for first = 1, n_new, SLICE do
  redis.call('HSET', key('ids'), unpack(new, first, math.min(first + SLICE - 1, n_new)))
end
local at_batches = at_owned_prints + n_owned
local at_days = at_batches + 4 * n_batches
local last_before = {}
for first = 0, n_days - 1, 3500 do
  local days, sets = {}, {}
  for i = first, math.min(first + 3500, n_days) - 1 do
    local day = ARGV[at_days + 2 * i]
    days[#days + 1] = day
    sets[#sets + 1], sets[#sets + 2] = day, text(base + tonumber(ARGV[at_days + 2 * i + 1]))
  end
  local lasts = redis.call('HMGET', key('last'), unpack(days))
  for i, day in ipairs(days) do last_before[day] = lasts[i] or '0' end
  redis.call('HSET', key('last'), unpack(sets))
end
for b = 0, n_batches - 1 do
  local at = at_batches + 4 * b
  local p = ARGV[at]
  local part = redis.call('HMGET', key('parts'), p .. ':e', p .. ':s')
  local stop = text(tonumber(part[1]) + tonumber(ARGV[at + 1]))
  local preds = {}
  for day in string.gmatch(ARGV[at + 3], '%d+') do preds[#preds + 1] = last_before[day] end
  redis.call('XADD', key('log:' .. p), stop .. '-' .. token, 'b', ARGV[at + 2], 'q', text(base), 'g', table.concat(preds, ','))
  if part[2] == 'idle' then
    redis.call('HSET', key('parts'), p .. ':e', stop, p .. ':s', 'ready')
    redis.call('RPUSH', key('ready'), p)
  else
    redis.call('HSET', key('parts'), p .. ':e', stop)
  end
end
local answers = tonumber(run[7])
if tonumber(ARGV[19]) > 0 then
  answers = answers + tonumber(ARGV[19])
  redis.call('XADD', run_key .. ':replies', text(answers) .. '-' .. token, 'b', ARGV[20])
  for code, n in string.gmatch(ARGV[21], '(%d+):(%d+)') do redis.call('HINCRBY', run_key, 'n:' .. code, n) end
end
redis.call('HSET', run_key, 'position', text(position + lines), 'offset', ARGV[8], 'sha', ARGV[9], 'token', ARGV[5],
  'base', text(base), 'answers', text(answers), 'produce', (now + tonumber(ARGV[12])) .. ' ' .. ARGV[4])
return {'APPENDED', text(base), ring(tonumber(ARGV[13]), tonumber(ARGV[14])), token}
