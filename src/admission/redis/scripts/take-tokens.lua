-- Takes tokens of one bucket, all or none (src/admission/limits/rate.ts).
--
-- KEYS[1]  string: when the bucket would be full (Redis ms); absent: it is full
-- ARGV[1]  tokens; negative: they are given back      ARGV[2]  ms a token      ARGV[3]  burst
--
-- Returns {1 or 0, tokens left, ms until so many are there}

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local count, each, burst = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

local full_at = tonumber(redis.call('GET', KEYS[1]) or now)
full_at = math.max(now, math.min(math.max(full_at, now), now + burst * each) + count * each)
local over = full_at - now - burst * each
if over > 0.001 then
  return { 0, 0, string.format('%.0f', math.ceil(over)) }
end
redis.call('SET', KEYS[1], string.format('%.3f', full_at), 'PX', math.max(1, math.ceil(full_at - now)))
return { 1, math.max(0, math.floor((burst * each - (full_at - now) + 0.001) / each)), '0' }
