-- Write a ledger's record unless it is there; nothing else ever creates a ledger.
-- KEYS[1] record  KEYS[2] fl:throwaway
-- ARGV: 1 incarnation 2 now 3 ledger 4 partitions 5 digest 6 rules 7 settings 8 key 9 throw-away ms (0: a named one) 10 key id
-- -> CREATED | EXISTS, incarnation, partitions, digest, rules, settings, key, key id
local names = {'incarnation', 'partitions', 'digest', 'rules', 'settings', 'key', 'key_id'}
local there = redis.call('HMGET', KEYS[1], unpack(names))
if there[1] then
  return {'EXISTS', unpack(there)}
end
redis.call('HSET', KEYS[1], 'incarnation', ARGV[1], 'partitions', ARGV[4], 'digest', ARGV[5],
  'rules', ARGV[6], 'settings', ARGV[7], 'key', ARGV[8], 'key_id', ARGV[10],
  'next_seq', 1)
for p = 0, tonumber(ARGV[4]) - 1 do
  redis.call('HSET', key('parts'), p .. ':s', 'idle', p .. ':c', 0, p .. ':e', 0, p .. ':t', '', p .. ':h', '0')
end
if tonumber(ARGV[9]) > 0 then
  redis.call('ZADD', KEYS[2], now + tonumber(ARGV[9]), ARGV[3])
end
return {'CREATED', unpack(redis.call('HMGET', KEYS[1], unpack(names)))}
