-- Gives an idempotency key back, when nothing of its request is in the log.
--
-- KEYS[1]  hash: see begin-key.lua
-- ARGV     owner

local known = redis.call('HMGET', KEYS[1], 'o', 'a')
if known[1] == ARGV[1] and not known[2] then
  redis.call('DEL', KEYS[1])
end
return 1
