-- What every script of a ledger begins with (scripts.py puts it in front of each body).
--
-- KEYS[1]  fl:{<ledger>}:record     hash   the ledger's record: incarnation, partitions, digest, rules, settings,
--                                          key, key_id, next_seq, tail (name of the last append),
--                                          ring (deadline of a pending ring), tick (time of the last)
-- Beside it, all with the same prefix:
--   ids          hash    registry field -> fingerprint of its owner
--   parts        hash    <p>:s state  <p>:c cursor  <p>:e end  <p>:t token of the last commit  <p>:h halt token
--                        <p>:f failures at a cursor as "<cursor> <count> <token>"  <p>:r reason of a halt
--                        <p>:w time of the last park or halt  <p>:u token of the last resume
--   ready        list    partitions that are ready, longest first
--   leases       hash    <p> -> "<deadline> <shift>"
--   waits        hash    <p> -> "<day> <predecessor>" of a parked partition
--   shifts       zset    <worker>/<random> -> deadline   workers  zset  worker -> deadline
--   bell         list    tokens without meaning on which lingering workers wait
--   last, front, used    hashes  day -> last candidate appended, last settled, quota used
--   w:<week>     hash    customer -> packed window record; weeks  set  of <week>
--   log:<p>      stream  <end position>-<token>  b sealed batch  q base sequence number  g predecessors
--   run:<run>    hash    see open.lua; run:<run>:replies  stream  <answers>-<token>  b sealed answers
--                        run:<run>:decided  hash  <p> -> the run's last line decided there
--   runs         set     of <run>;  counters  hash  what happened how often
--   notes        hash    <p>:<position> -> sealed act by which an operator skips an attempt that nobody decided yet
--   acts         zset    token of an operator's act -> until when it would count
--   audit        list    what operators did: JSON, see resume.lua
--   flights      zset    trace id that is waited for -> deadline   outcomes  hash  trace id -> outcome, JSON
--   kept         zset    trace id with an outcome -> when it came   waited  hash  what happened to waits how often
--   flight_log   list    the last events of waits, newest first, as "<time> <what> <trace id>"
-- ARGV[1] is the incarnation, ARGV[2] "now" in microseconds ("" = the server's time; only tests pass one).
-- All checks come before the first write. Numbers above 2^53 and tokens travel as text.

local SLICE = 7000 -- arguments in one call: 8,000 exceed Lua's stack

local prefix = string.sub(KEYS[1], 1, -7)
local function key(name) return prefix .. name end

local function text(number) return string.format('%.0f', number) end

local function gone() return redis.call('HGET', KEYS[1], 'incarnation') ~= ARGV[1] end

local now_us
if ARGV[2] == '' then
  local t = redis.call('TIME')
  now_us = tonumber(t[1]) * 1000000 + tonumber(t[2])
else
  now_us = tonumber(ARGV[2])
end
local now = math.floor(now_us / 1000)
-- ten digits of the clock behind the request's token: the same request sent again gets another id
local stamp = string.format('%010.0f', now_us % 10000000000)

-- A deadline further away than twice its length comes from a clock that jumped: it counts as expired.
local function expired(deadline, length)
  return now >= deadline or deadline - now > 2 * length
end

local function count(name, by)
  if by > 0 then redis.call('HINCRBY', key('counters'), name, by) end
end

-- "Free it": ready and in the list if something waits, else idle; lease and wait deleted.
local function free(p)
  local f = redis.call('HMGET', key('parts'), p .. ':s', p .. ':c', p .. ':e')
  redis.call('HDEL', key('leases'), p)
  redis.call('HDEL', key('waits'), p)
  if tonumber(f[2]) < tonumber(f[3]) then
    if f[1] ~= 'ready' then
      redis.call('HSET', key('parts'), p .. ':s', 'ready')
      redis.call('RPUSH', key('ready'), p)
    end
  else
    redis.call('HSET', key('parts'), p .. ':s', 'idle')
  end
end

-- A lease that ran out: free its partition, and count its shift as dead, and the worker that the shift's name begins with, so
-- that neither holds up a ring or a share any longer. Who was only slow is back with his next take. -> 1 if the shift counted
local function reclaim(p, shift)
  free(p)
  local worker = string.match(shift, '^(.+)/')
  if worker then redis.call('ZREM', key('workers'), worker) end
  return redis.call('ZREM', key('shifts'), shift)
end

-- A hash keyed by partition, as {p, value} in the order of the partitions (HGETALL's own order is not fixed).
local function by_partition(name)
  local flat, out = redis.call('HGETALL', key(name)), {}
  for i = 1, #flat, 2 do out[#out + 1] = {flat[i], flat[i + 1]} end
  table.sort(out, function(a, b) return tonumber(a[1]) < tonumber(b[1]) end)
  return out
end

local function live_shifts(shift_ms)
  return redis.call('ZCOUNT', key('shifts'), '(' .. now, now + 2 * shift_ms)
end

local function known_workers()
  return redis.call('ZCOUNT', key('workers'), '(' .. now, '+inf')
end

local function ring_pending(ring_ms)
  local mark = redis.call('HGET', KEYS[1], 'ring')
  return mark and not expired(tonumber(mark), ring_ms)
end

-- Something is ready: 1 asks the caller to enqueue a shift; a live shift gets a token on the bell instead.
local function ring(ring_ms, shift_ms)
  if redis.call('LLEN', key('ready')) == 0 then return 0 end
  if live_shifts(shift_ms) > 0 then
    redis.call('LPUSH', key('bell'), '1')
    redis.call('LTRIM', key('bell'), 0, math.max(known_workers(), 1) - 1)
    return 0
  end
  if ring_pending(ring_ms) then return 0 end
  redis.call('HSET', KEYS[1], 'ring', now + ring_ms)
  return 1
end

-- Is this the open gate of a waiter? used >= quota, or its predecessor is settled.
local function opens(front, used, pred, quota)
  return used >= quota or pred <= front
end

-- What is waited for (register.lua, conclude.lua, expire.lua); the rules are those of kernel/engine/replies.py.
local function note_flight(what, id)
  redis.call('LPUSH', key('flight_log'), text(now) .. ' ' .. what .. ' ' .. id)
  redis.call('LTRIM', key('flight_log'), 0, 255)
end

-- Outcomes that are old, or too many, the oldest first; some remain for the next time if there are very many.
local function forget_outcomes(keep_ms, most)
  local surplus = math.min(redis.call('ZCARD', key('kept')) - most, SLICE)
  local doomed = redis.call('ZRANGEBYSCORE', key('kept'), '-inf', now - keep_ms, 'LIMIT', 0, SLICE)
  if surplus > #doomed then doomed = redis.call('ZRANGE', key('kept'), 0, surplus - 1) end
  if #doomed == 0 then return end
  redis.call('ZREM', key('kept'), unpack(doomed))
  redis.call('HDEL', key('outcomes'), unpack(doomed))
end

local function end_flight(id, status, outcome, keep_ms, most)
  redis.call('ZREM', key('flights'), id)
  local counted = {success = 'completed', error = 'completed', cancelled = 'cancelled', timeout = 'expired'}
  redis.call('HSET', key('outcomes'), id, outcome)
  redis.call('ZADD', key('kept'), now, id)
  redis.call('HINCRBY', key('waited'), counted[status], 1)
  note_flight(status, id)
  forget_outcomes(keep_ms, most)
end
