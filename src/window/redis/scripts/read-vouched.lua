-- What vouches for one partition in one bucket.
--
-- KEYS[1]  hash: high, floor, until
--
-- Returns {high or '', floor or '' (absent or lapsed)}.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local state = redis.call('HMGET', KEYS[1], 'high', 'floor', 'until')
local live = state[1] and state[2] and tonumber(state[3]) > now
return { state[1] or '', live and state[2] or '' }
