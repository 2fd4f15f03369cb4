-- Takes a place of a user for one stream, and a token of the user's connect rate. The same rules in readable form: src/admission/limits/lease-rules.ts
-- and rate.ts.
--
-- KEYS[1]  hash of the user's streams: id → "<node>|<opened>|<registered>|<state>" (Redis ms; state h held, o overlap, l told to leave, then
--          "|<when it was told>"), and "!" → until when the user gets no overlaps
-- KEYS[2]  string: when the bucket of connects would be full (Redis ms); absent: it is full
--
-- ARGV[1]  stream      ARGV[2]  this node's tag      ARGV[3]  tags of living nodes, ",a,b,"
-- ARGV[4]  most streams of a user, 0: not counted    ARGV[5]  '1': it comes back     ARGV[6]  '1': the oldest closes for the newest
-- ARGV[7]  streams of the user that this node has    ARGV[8]  ms after which an unknown node is dead
-- ARGV[9]  ttl of KEYS[1], ms                        ARGV[10] ms a token, 0: no rate     ARGV[11] burst
--
-- Returns {what, present, opened at, tokens left, retry ms, streams to close …}; what: held, overlap, full (too many streams), fast (too many
-- connects). A lease counts while its node lives, or is too young for this node to know its node.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local limit, closes_oldest = tonumber(ARGV[4]), ARGV[6] == '1'
local lapse = tonumber(ARGV[8])
-- How long a stream that was told to leave is not told again.
local told_again = 2000

local function whole(number)
  return string.format('%.0f', number)
end

-- connect rate
local each, burst, left = tonumber(ARGV[10]), tonumber(ARGV[11]), 0
if each > 0 then
  local full_at = tonumber(redis.call('GET', KEYS[2]) or now)
  full_at = math.min(math.max(full_at, now), now + burst * each) + each
  local over = full_at - now - burst * each
  if over > 0.001 then
    return { 'fast', '1', whole(now), '0', whole(math.ceil(over)) }
  end
  redis.call('SET', KEYS[2], string.format('%.3f', full_at), 'PX', math.max(1, math.ceil(full_at - now)))
  left = math.max(0, math.floor((burst * each - (full_at - now) + 0.001) / each))
end
if limit == 0 then
  return { 'held', '0', whole(now), whole(left), '0' }
end

-- who is there
local counted, tell, gone, leaving, newest, pause_until = {}, {}, {}, 0, 0, 0
local entries = redis.call('HGETALL', KEYS[1])
for i = 1, #entries, 2 do
  local id, value = entries[i], entries[i + 1]
  if id == '!' then
    pause_until = tonumber(value)
  elseif id ~= ARGV[1] then
    local tag, opened, registered, state, told = string.match(value, '^([^|]*)|(%d+)|(%d+)|(%a)|?(%d*)$')
    opened, registered = tonumber(opened), tonumber(registered)
    if string.find(ARGV[3], ',' .. tag .. ',', 1, true) == nil and now - registered >= lapse then
      gone[#gone + 1] = id
    else
      newest = math.max(newest, opened)
      if state == 'l' then
        leaving = leaving + 1
        if now - tonumber(told) >= told_again then
          tell[#tell + 1] = id
        end
      else
        counted[#counted + 1] = { id = id, opened = opened, value = value }
      end
    end
  end
end
if #gone > 0 then
  redis.call('HDEL', KEYS[1], unpack(gone))
end

-- its place
local present = #counted
if not closes_oldest then
  -- What the store has lost and this node has not registered yet.
  present = math.max(present, tonumber(ARGV[7]))
end
local state = 'h'
if present >= limit then
  if closes_oldest then
    if leaving >= limit then
      return { 'full', whole(present), whole(now), whole(left), ARGV[8] }
    end
    table.sort(counted, function(a, b)
      return a.opened < b.opened or (a.opened == b.opened and a.id < b.id)
    end)
    for i = 1, present + 1 - limit do
      local oldest = counted[i]
      tell[#tell + 1] = oldest.id
      redis.call('HSET', KEYS[1], oldest.id, string.sub(oldest.value, 1, -2) .. 'l|' .. whole(now))
    end
    present = limit - 1
  elseif ARGV[5] == '1' and present < 2 * limit and pause_until <= now then
    state = 'o'
  else
    return { 'full', whole(present), whole(now), whole(left), ARGV[8] }
  end
end
local opened = math.max(now, newest + 1)
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. '|' .. whole(opened) .. '|' .. whole(now) .. '|' .. state)
redis.call('PEXPIRE', KEYS[1], ARGV[9])
local answer = { state == 'o' and 'overlap' or 'held', whole(present + 1), whole(opened), whole(left), '0' }
for _, id in ipairs(tell) do
  answer[#answer + 1] = id
end
return answer
