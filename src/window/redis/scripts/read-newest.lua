-- The newest entries of one channel of one partition, without their data.
--
-- KEYS[1]  hash: high, floor, until        KEYS[2]  stream
-- ARGV[1]  most entries
--
-- Returns {floor or '' (absent or lapsed), then for each entry, newest first, {id, type, attributes, record time}}.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local state = redis.call('HMGET', KEYS[1], 'high', 'floor', 'until')
local live = state[1] and state[2] and tonumber(state[3]) > now
local answer = { live and state[2] or '' }
if live then
  for _, entry in ipairs(redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', ARGV[1])) do
    answer[#answer + 1] = { entry[1], entry[2][4], entry[2][6], entry[2][8] }
  end
end
return answer
