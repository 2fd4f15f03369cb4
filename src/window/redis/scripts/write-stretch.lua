-- Writes one stretch of one partition into one bucket: entries, high and floor together (RESUME rules 9 to 14). Idempotent.
-- The same rules in readable form: src/window/vouch-rules.ts and src/window/memory/memory-window-core.ts.
--
-- KEYS[1]  hash: high, floor, until (when the floor lapses), since and sinceAt (latest events set after this offset are known)
-- KEYS[2]  list of marks of the floor, oldest first, each "<start>|<last>|<to>": everything up to `to` was written by `last`
-- KEYS[3]  set of topics whose breach is latched
-- KEYS[4…] streams (`p` offset of the entry before or '', `t` type, `a` attributes as JSON or '', `m` record time, `d` data) and
--          hashes of latest events (`o` offset, `i` index, t, a, m, d; without `d` where the event was too large)
--
-- ARGV[1]  from      ARGV[2]  to          ARGV[3]  window age     ARGV[4]  time between marks    ARGV[5]  stream ttl (all in ms)
-- ARGV[6]  ttl of high and marks, ms      ARGV[7]  most entries a stream
-- ARGV[8]  member to add to KEYS[3], or ''
-- ARGV[9]  '1': only if high is exactly from - 1 (renewal of an idle partition); nothing is done otherwise
-- ARGV[10] number of events, then for each: offset, index, offset + 1, type, attributes, record time, data,
--          latest ttl in ms or '', latest bytes at most or '', number of channels, and for each channel the index in KEYS of its stream and
--          of its latest event (0: none)
--
-- Returns {high, floor}; false when ARGV[9] forbade it.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local from, to = tonumber(ARGV[1]), tonumber(ARGV[2])
local age, mark_every, stream_ttl, state_ttl = tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5], ARGV[6]

-- Lua would write large numbers as 1e+15.
local function whole(number)
  return string.format('%.0f', number)
end

local function mark_of(text)
  local start, last, offset = string.match(text, '^(%d+)|(%d+)|(-?%d+)$')
  return tonumber(start), tonumber(last), tonumber(offset)
end

local state = redis.call('HMGET', KEYS[1], 'high', 'floor', 'until')
local high, floor = tonumber(state[1] or nil), tonumber(state[2] or nil)
if ARGV[9] == '1' and high ~= from - 1 then
  return false
end

-- high and floor to start from
local hole = high == nil or from > high + 1
if hole then
  high = from - 1
end
local lapsed = hole or floor == nil or tonumber(state[3]) <= now or redis.call('EXISTS', KEYS[2]) == 0
if lapsed then
  floor = high
end
local known = high

-- entries
local newest_offset, newest_index, touched, latest = {}, {}, {}, {}

local function visit_stream(key)
  touched[#touched + 1] = key
  newest_offset[key], newest_index[key] = -1, -1
  local newest = redis.call('XREVRANGE', KEYS[key], '+', '-', 'COUNT', 1)[1]
  if newest == nil then
    return
  end
  local offset, index = string.match(newest[1], '^(%d+)-(%d+)$')
  if offset - 1 > known then
    -- It survived the state that vouched for it: it proves nothing.
    redis.call('DEL', KEYS[key])
    floor = math.max(floor, known)
    return
  end
  newest_offset[key], newest_index[key] = offset - 1, index - 1
end

local function append(key, event)
  local offset, index = tonumber(ARGV[event]), tonumber(ARGV[event + 1])
  if offset < newest_offset[key] or (offset == newest_offset[key] and index <= newest_index[key]) then
    return
  end
  local prev = newest_offset[key] < 0 and '' or whole(newest_offset[key])
  local added = redis.pcall('XADD', KEYS[key], 'MAXLEN', '=', ARGV[7], ARGV[event + 2] .. '-' .. whole(index + 1),
    'p', prev, 't', ARGV[event + 3], 'a', ARGV[event + 4], 'm', ARGV[event + 5], 'd', ARGV[event + 6])
  if type(added) == 'table' and added.err then
    -- Trimmed to nothing, a stream still refuses what it once had: a repetition.
    if string.find(added.err, 'equal or smaller', 1, true) then
      return
    end
    error(added.err)
  end
  newest_offset[key], newest_index[key] = offset, index
end

local at = 11
for _ = 1, tonumber(ARGV[10]) do
  local event = at
  local channels = tonumber(ARGV[event + 9])
  for channel = 1, channels do
    local stream_key, latest_key = tonumber(ARGV[event + 8 + 2 * channel]), tonumber(ARGV[event + 9 + 2 * channel])
    if newest_offset[stream_key] == nil then
      visit_stream(stream_key)
    end
    append(stream_key, event)
    -- At or below what was known it has been set before: setting it again would bring back one that has expired since.
    if latest_key > 0 and tonumber(ARGV[event]) > known then
      latest[latest_key] = event
    end
  end
  at = event + 10 + 2 * channels
end

for key, event in pairs(latest) do
  redis.call('DEL', KEYS[key])
  redis.call('HSET', KEYS[key], 'o', ARGV[event], 'i', ARGV[event + 1], 't', ARGV[event + 3], 'a', ARGV[event + 4], 'm', ARGV[event + 5])
  if #ARGV[event + 6] <= tonumber(ARGV[event + 8]) then
    redis.call('HSET', KEYS[key], 'd', ARGV[event + 6])
  end
  redis.call('PEXPIRE', KEYS[key], ARGV[event + 7])
end

-- marks: by Redis's own time, so that the floor never hangs on a producer's clock
if lapsed then
  redis.call('DEL', KEYS[2])
end
if lapsed or to > high then
  high = math.max(high, to)
  local last = redis.call('LINDEX', KEYS[2], -1)
  local start = last and mark_of(last)
  if start and now - start < mark_every then
    redis.call('LSET', KEYS[2], -1, whole(start) .. '|' .. whole(now) .. '|' .. whole(high))
  else
    redis.call('RPUSH', KEYS[2], whole(now) .. '|' .. whole(now) .. '|' .. whole(high))
  end
end
while true do
  local _, last, offset = mark_of(redis.call('LINDEX', KEYS[2], 0))
  if last >= now - age then
    break
  end
  floor = math.max(floor, offset)
  -- The last mark stays, so that marks are never empty.
  if redis.call('LLEN', KEYS[2]) == 1 then
    break
  end
  redis.call('LPOP', KEYS[2])
end

-- lives; repetitions renew too, or a zombie's refused entries would expire under a new owner's floor
for _, key in ipairs(touched) do
  -- By whole nodes: deleting inside a node would free nothing.
  redis.call('XTRIM', KEYS[key], 'MINID', '~', whole(floor + 2))
  redis.call('PEXPIRE', KEYS[key], stream_ttl)
end
redis.call('HSET', KEYS[1], 'high', whole(high), 'floor', whole(floor), 'until', whole(now + age))
if hole then
  redis.call('HSET', KEYS[1], 'since', whole(from - 1), 'sinceAt', whole(now))
end
redis.call('PEXPIRE', KEYS[1], state_ttl)
redis.call('PEXPIRE', KEYS[2], state_ttl)
if ARGV[8] ~= '' then
  redis.call('SADD', KEYS[3], ARGV[8])
end
return { whole(high), whole(floor) }
