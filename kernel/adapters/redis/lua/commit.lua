-- A turn's whole effect, or none of it (scheduling.md, rules 8 to 13; protocol.md, section 5).
-- ARGV: 1 incarnation 2 now 3 shift 4 worker 5 token 6 digest 7 quota 8 lease ms 9 shift ms 10 worker ttl ms 11 ring ms
--   12 moves 13 settled days 14 replies 15 steps 16 weeks, then
--   per move: partition, cursor, reach, entry, halt token;  per day: day, front before, front, used
--   per reply: run, count, sealed, cents accepted, tally of codes;  per step: partition, kind, day, pred, cursor, entry
--   per week: week, n times customer and packed record (msgpack)
--   per reply again: values (2n), n times partition, last line of that run decided there
-- -> APPLIED, ring, outcome of each step... | ALREADY | BEHIND | REWOUND | HALTED | RULES | GONE
if gone() then return {'GONE'} end
local shift, quota = ARGV[3], tonumber(ARGV[7])
local n_moves, n_days, n_replies, n_steps, n_weeks =
  tonumber(ARGV[12]), tonumber(ARGV[13]), tonumber(ARGV[14]), tonumber(ARGV[15]), tonumber(ARGV[16])
local at_days = 17 + 5 * n_moves
local at_replies = at_days + 4 * n_days
local at_steps = at_replies + 5 * n_replies
local at_weeks = at_steps + 6 * n_steps
local at_decided = at_weeks + 2 * n_weeks
local parts, token = key('parts'), ARGV[5] .. stamp
local windows = {}
for i = 1, n_weeks do windows[i] = cmsgpack.unpack(ARGV[at_weeks + 2 * i - 1]) end

local moves, already = {}, n_moves > 0
for i = 1, n_moves do
  local at = 17 + 5 * (i - 1)
  local p = ARGV[at]
  local f = redis.call('HMGET', parts, p .. ':s', p .. ':c', p .. ':h', p .. ':t')
  moves[i] = {p = p, cursor = ARGV[at + 1], reach = ARGV[at + 2], entry = ARGV[at + 3], halt = ARGV[at + 4],
    state = f[1], now_cursor = f[2], now_halt = f[3]}
  already = already and f[4] == ARGV[5]
end
if already then return {'ALREADY'} end
for _, m in ipairs(moves) do
  if m.state == 'halted' or m.now_halt ~= m.halt then return {'HALTED'} end
end
for _, m in ipairs(moves) do
  if m.now_cursor ~= m.cursor then return {'BEHIND'} end
end
for _, m in ipairs(moves) do
  if #redis.call('XRANGE', key('log:' .. m.p), m.entry, m.entry) == 0 then return {'REWOUND'} end
end
local days, fronts, uses = {}, {}, {}
for i = 1, n_days do
  local at = at_days + 4 * (i - 1)
  days[i] = ARGV[at]
end
for first = 1, n_days, SLICE do
  local got = redis.call('HMGET', key('front'), unpack(days, first, math.min(first + SLICE - 1, n_days)))
  for i = 1, #got do
    if (got[i] or '0') ~= ARGV[at_days + 4 * (first + i - 2) + 1] then return {'REWOUND'} end
  end
end
if redis.call('HGET', KEYS[1], 'digest') ~= ARGV[6] then return {'RULES'} end

-- all checks passed: first what frees memory, then the rest
for _, m in ipairs(moves) do
  redis.call('XTRIM', key('log:' .. m.p), 'MINID', text(tonumber(m.reach) + 1))
end
for _, m in ipairs(moves) do
  redis.call('HSET', parts, m.p .. ':c', m.reach, m.p .. ':t', ARGV[5])
  if m.state == 'parked' then free(m.p) end
end
if n_moves > 0 then
  for _, field in ipairs(redis.call('HKEYS', key('notes'))) do
    local p, position = string.match(field, '^(%d+):(%d+)$')
    for _, m in ipairs(moves) do
      if m.p == p and tonumber(position) < tonumber(m.reach) then redis.call('HDEL', key('notes'), field) end
    end
  end
end
for i, records in ipairs(windows) do
  local week = ARGV[at_weeks + 2 * i - 2]
  redis.call('SADD', key('weeks'), week)
  for first = 1, #records, SLICE do
    redis.call('HSET', key('w:' .. week), unpack(records, first, math.min(first + SLICE - 1, #records)))
  end
end
local at = at_decided
for i = 1, n_replies do
  local total = tonumber(ARGV[at])
  local run = ARGV[at_replies + 5 * (i - 1)]
  redis.call('HSET', key('run:' .. run .. ':decided'), unpack(ARGV, at + 1, at + total))
  at = at + 1 + total
end
local settled = {}
for first = 1, n_days, 3500 do
  local front_out, used_out = {}, {}
  for i = first, math.min(first + 3499, n_days) do
    local d = at_days + 4 * (i - 1)
    settled[ARGV[d]] = {tonumber(ARGV[d + 2]), tonumber(ARGV[d + 3])}
    front_out[#front_out + 1], front_out[#front_out + 2] = ARGV[d], ARGV[d + 2]
    used_out[#used_out + 1], used_out[#used_out + 2] = ARGV[d], ARGV[d + 3]
  end
  redis.call('HSET', key('front'), unpack(front_out))
  redis.call('HSET', key('used'), unpack(used_out))
end
for i = 1, n_replies do
  local r = at_replies + 5 * (i - 1)
  local run_key = key('run:' .. ARGV[r])
  local answers = redis.call('HINCRBY', run_key, 'answers', ARGV[r + 1])
  redis.call('XADD', run_key .. ':replies', text(answers) .. '-' .. token, 'b', ARGV[r + 2])
  -- amounts have up to 17 digits, so their sum may pass 2^63: what is above the last 12 is counted apart
  local high = string.sub(ARGV[r + 3], 1, -13)
  redis.call('HINCRBY', run_key, 'cents', text(tonumber(string.sub(ARGV[r + 3], -12))))
  if high ~= '' then redis.call('HINCRBY', run_key, 'cents_high', high) end
  for code, n in string.gmatch(ARGV[r + 4], '(%d+):(%d+)') do redis.call('HINCRBY', run_key, 'n:' .. code, n) end
end

-- wake, inside this script: whoever waits for a day that was settled and may go on now (rule 12)
if n_days > 0 then
  for _, wait in ipairs(by_partition('waits')) do
    local day, pred = string.match(wait[2], '^(%d+) (%d+)$')
    local gate = settled[day]
    if gate and opens(gate[1], gate[2], tonumber(pred), quota) then free(wait[1]) end
  end
end

-- the next steps: only for what this shift still holds (rule 10)
local lease_until = now + tonumber(ARGV[8])
local out = {'APPLIED', 0}
for i = 1, n_steps do
  local s = at_steps + 6 * (i - 1)
  local p, kind = ARGV[s], ARGV[s + 1]
  local lease = redis.call('HGET', key('leases'), p)
  local outcome = 'left'
  if lease and string.match(lease, '^%d+ (.*)$') == shift then
    if kind == 'keep' then
      redis.call('HSET', key('leases'), p, lease_until .. ' ' .. shift)
      outcome = 'kept'
    elseif kind == 'release' then
      free(p)
      outcome = 'freed'
    else
      local cursor = redis.call('HGET', parts, p .. ':c')
      local head = redis.call('XRANGE', key('log:' .. p), '(' .. cursor .. '-18446744073709551615', '+', 'COUNT', 1)
      local front = tonumber(redis.call('HGET', key('front'), ARGV[s + 2]) or '0')
      local used = tonumber(redis.call('HGET', key('used'), ARGV[s + 2]) or '0')
      if cursor ~= ARGV[s + 4] or not head[1] or head[1][1] ~= ARGV[s + 5] then
        free(p)
        outcome = 'freed'
      elseif opens(front, used, tonumber(ARGV[s + 3]), quota) then
        free(p)
        outcome = 'ready'
      else
        redis.call('HDEL', key('leases'), p)
        redis.call('HSET', parts, p .. ':s', 'parked', p .. ':w', text(now))
        redis.call('HSET', key('waits'), p, ARGV[s + 2] .. ' ' .. ARGV[s + 3])
        count('parks', 1)
        outcome = 'parked'
      end
    end
  end
  out[2 + i] = outcome
end
if redis.call('ZSCORE', key('shifts'), shift) then redis.call('ZADD', key('shifts'), now + tonumber(ARGV[9]), shift) end
redis.call('ZADD', key('workers'), now + tonumber(ARGV[10]), ARGV[4])
if n_moves > 0 then count('commits', 1) redis.call('HINCRBY', key('counters'), 'commits:' .. ARGV[4], 1) end
out[2] = ring(tonumber(ARGV[11]), tonumber(ARGV[9]))
return out
