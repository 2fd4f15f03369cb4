-- The latest events of channels of one partition in one bucket, with the high of the same moment (RESUME rule 26).
--
-- KEYS[1]  hash: high, since, sinceAt      KEYS[2…] hashes of latest events (o, i, t, a, m, d), one a channel
--
-- Returns {high or '', since or '', milliseconds since sinceAt, then for each channel {o, i, t, a, m, d, '1' if d is kept} ('' where missing)}.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local state = redis.call('HMGET', KEYS[1], 'high', 'since', 'sinceAt')
local answer = { state[1] or '', state[2] or '', string.format('%.0f', now - (tonumber(state[3] or nil) or now)) }
for i = 2, #KEYS do
  local latest = redis.call('HMGET', KEYS[i], 'o', 'i', 't', 'a', 'm', 'd')
  -- An event without data and an event too large to keep differ.
  local kept = latest[6] and '1' or ''
  for field = 1, 6 do
    latest[field] = latest[field] or ''
  end
  latest[7] = kept
  answer[#answer + 1] = latest
end
return answer
