-- Takes what one node knows of a topic's partition counts, and answers what all nodes told.
--
-- KEYS[1]  sorted set of marks ("current <count>", "blind <count>"), each by when it was last true
-- ARGV[1]  ttl of a mark, ms
-- ARGV[2…] in pairs: a mark, and how many ms ago it was true
--
-- Returns pairs in one list: a mark, and how many ms ago it was last true.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ttl = tonumber(ARGV[1])

for i = 2, #ARGV, 2 do
  -- A time of milliseconds has 13 digits: written whole by %.0f.
  redis.call('ZADD', KEYS[1], 'GT', string.format('%.0f', now - tonumber(ARGV[i + 1])), ARGV[i])
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - ttl))
redis.call('PEXPIRE', KEYS[1], ARGV[1])

local answer = {}
local marks = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for i = 1, #marks, 2 do
  answer[i] = marks[i]
  answer[i + 1] = string.format('%.0f', math.max(0, now - tonumber(marks[i + 1])))
end
return answer
