-- The heartbeat of a node: says that it lives, and who else does.
--
-- KEYS[1]  sorted set: tag of a node → when it beat last (Redis ms)
-- ARGV[1]  this node's tag      ARGV[2]  the tag that it had before, or ''      ARGV[3]  ms after which a silent node is dead
--
-- Returns {1 if this node was known to live, then for each living node its tag and the ms since it beat}

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lapse = tonumber(ARGV[3])

if ARGV[2] ~= '' then
  redis.call('ZREM', KEYS[1], ARGV[2])
end
local before = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or 0)
redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - lapse))
redis.call('PEXPIRE', KEYS[1], 10 * lapse)
local answer = { now - before < lapse and 1 or 0 }
local nodes = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for i = 1, #nodes, 2 do
  answer[#answer + 1] = nodes[i]
  answer[#answer + 1] = string.format('%.0f', math.max(0, now - tonumber(nodes[i + 1])))
end
return answer
