-- Sets how many streams of a tenant one node has, where the tenant's limit and connect rate allow one more. The node tells the whole number, never
-- a difference: told twice or not at all, the next telling sets it right.
--
-- KEYS[1]  hash: tag of a node → "<streams>|<told at, Redis ms>"
-- KEYS[2]  string: when the bucket of connects would be full (Redis ms); absent: it is full
--
-- ARGV[1]  this node's tag      ARGV[2]  tags of living nodes, ",a,b,"
-- ARGV[3]  streams of the tenant on this node, the new one included      ARGV[4]  most streams of a tenant, 0: any number
-- ARGV[5]  ms after which an unknown node is dead      ARGV[6]  ttl of KEYS[1], ms
-- ARGV[7]  ms a token, 0: no rate      ARGV[8]  burst
-- ARGV[9]  '1': it asks for one more stream; else it only tells the number
--
-- Returns {what, present, tokens left, retry ms}; what: held, full, fast. A refusal stores nothing: others that are being refused may be in the
-- number, and the node tells it again without them.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local mine, limit, lapse = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local each, burst, asks = tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[9] == '1'

local function whole(number)
  return string.format('%.0f', number)
end

local function store(count)
  if limit == 0 then
    return
  end
  if count > 0 then
    redis.call('HSET', KEYS[1], ARGV[1], whole(count) .. '|' .. whole(now))
    redis.call('PEXPIRE', KEYS[1], ARGV[6])
  else
    redis.call('HDEL', KEYS[1], ARGV[1])
  end
end

local total, gone = mine, {}
if limit > 0 and asks then
  local entries = redis.call('HGETALL', KEYS[1])
  for i = 1, #entries, 2 do
    local tag = entries[i]
    if tag ~= ARGV[1] then
      local count, told = string.match(entries[i + 1], '^(%d+)|(%d+)$')
      if string.find(ARGV[2], ',' .. tag .. ',', 1, true) == nil and now - tonumber(told) >= lapse then
        gone[#gone + 1] = tag
      else
        total = total + tonumber(count)
      end
    end
  end
  if #gone > 0 then
    redis.call('HDEL', KEYS[1], unpack(gone))
  end
  if total > limit then
    return { 'full', whole(total - 1), '0', ARGV[5] }
  end
end

local left = 0
if each > 0 and asks then
  local full_at = tonumber(redis.call('GET', KEYS[2]) or now)
  full_at = math.min(math.max(full_at, now), now + burst * each) + each
  local over = full_at - now - burst * each
  if over > 0.001 then
    return { 'fast', '1', '0', whole(math.ceil(over)) }
  end
  redis.call('SET', KEYS[2], string.format('%.3f', full_at), 'PX', math.max(1, math.ceil(full_at - now)))
  left = math.max(0, math.floor((burst * each - (full_at - now) + 0.001) / each))
end
store(mine)
return { 'held', whole(total), whole(left), '0' }
