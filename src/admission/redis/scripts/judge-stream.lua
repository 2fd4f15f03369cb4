-- Judges an overlap at its end: it stays if fewer streams of the user than the limit are older (src/admission/limits/lease-rules.ts).
--
-- KEYS[1]  hash of the user's streams, as in acquire-stream.lua
-- ARGV[1]  stream      ARGV[2]  tags of living nodes, ",a,b,"      ARGV[3]  most streams of a user
-- ARGV[4]  older streams of the user that this node has            ARGV[5]  ms after which an unknown node is dead
-- ARGV[6]  ms for which the user gets no overlaps after a verdict against it
--
-- Returns kept, over (it is taken away) or absent.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lapse = tonumber(ARGV[5])

local mine = redis.call('HGET', KEYS[1], ARGV[1])
if not mine then
  return 'absent'
end
local my_tag, my_opened, my_registered = string.match(mine, '^([^|]*)|(%d+)|(%d+)|')
my_opened = tonumber(my_opened)

local older = 0
local entries = redis.call('HGETALL', KEYS[1])
for i = 1, #entries, 2 do
  local id, value = entries[i], entries[i + 1]
  if id ~= '!' and id ~= ARGV[1] then
    local tag, opened, registered, state = string.match(value, '^([^|]*)|(%d+)|(%d+)|(%a)')
    opened = tonumber(opened)
    local lives = string.find(ARGV[2], ',' .. tag .. ',', 1, true) ~= nil or now - tonumber(registered) < lapse
    if lives and state ~= 'l' and (opened < my_opened or (opened == my_opened and id < ARGV[1])) then
      older = older + 1
    end
  end
end
if math.max(older, tonumber(ARGV[4])) >= tonumber(ARGV[3]) then
  redis.call('HDEL', KEYS[1], ARGV[1])
  redis.call('HSET', KEYS[1], '!', string.format('%.0f', now + tonumber(ARGV[6])))
  redis.call('PEXPIRE', KEYS[1], math.max(redis.call('PTTL', KEYS[1]), tonumber(ARGV[6])))
  return 'over'
end
redis.call('HSET', KEYS[1], ARGV[1], my_tag .. '|' .. string.format('%.0f', my_opened) .. '|' .. my_registered .. '|h')
return 'kept'
