-- Remembers the answer of the request that holds an idempotency key.
--
-- KEYS[1]  hash: see begin-key.lua
-- ARGV     owner, answer, time to remember in ms

if redis.call('HGET', KEYS[1], 'o') == ARGV[1] then
  redis.call('HSET', KEYS[1], 'a', ARGV[2])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return 1
