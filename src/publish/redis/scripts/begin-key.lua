-- Takes an idempotency key for one request, or tells what became of it.
--
-- KEYS[1]  hash: f (fingerprint), o (owner), l (end of the lease, ms), a (answer, once there is one)
-- ARGV     fingerprint, owner, lease in ms, time to remember in ms
--
-- Returns {'new'}, {'in-flight'}, {'mismatch'}, {'unknown'} or {'answered', answer}. Time is this server's own.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local known = redis.call('HMGET', KEYS[1], 'f', 'l', 'a')
if not known[1] then
  redis.call('HSET', KEYS[1], 'f', ARGV[1], 'o', ARGV[2], 'l', string.format('%.0f', now + ARGV[3]))
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
  return { 'new' }
end
if known[1] ~= ARGV[1] then
  return { 'mismatch' }
end
if known[3] then
  return { 'answered', known[3] }
end
return { now < tonumber(known[2]) and 'in-flight' or 'unknown' }
