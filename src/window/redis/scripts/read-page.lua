-- Reads one page of several channels of one partition in one bucket, with high and floor of the same moment (RESUME rule 19).
--
-- KEYS[1]  hash: high, floor, until        KEYS[2…] streams, one a channel
-- ARGV[1]  id to start from, "<cursor + 2>-0"
-- ARGV[2]  most entries a channel          ARGV[3]  bytes of data at which to stop, over all channels
--
-- Returns {high or '', floor or '' (absent or lapsed), then for each stream {entries, 1 if the stream goes on}}. Records come whole, and at
-- least one of each stream.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local entries_max, bytes_left = math.max(1, tonumber(ARGV[2])), tonumber(ARGV[3])
local first_chunk, chunk_max = 2, 128

local function add(stream, entries)
  local bytes = 0
  for _, entry in ipairs(entries) do
    stream.entries[#stream.entries + 1] = entry
    bytes = bytes + #entry[2][10]
  end
  stream.bytes = stream.bytes + bytes
  return bytes
end

local function past(stream)
  local last = stream.entries[#stream.entries]
  return last and '(' .. last[1] or ARGV[1]
end

-- Reads on until `share` bytes are used or the stream is at an end.
local function take(stream, share)
  local used = 0
  while used < share and not stream.ended and #stream.entries < entries_max do
    local count = first_chunk
    if #stream.entries > 0 then
      count = math.ceil((share - used) * #stream.entries / math.max(1, stream.bytes))
    end
    count = math.max(1, math.min(count, chunk_max, entries_max - #stream.entries))
    local entries = redis.call('XRANGE', stream.key, past(stream), '+', 'COUNT', count)
    used = used + add(stream, entries)
    stream.ended = #entries < count
  end
  return used
end

local function finish_record(stream)
  local last = stream.entries[#stream.entries]
  if stream.ended or last == nil then
    return
  end
  add(stream, redis.call('XRANGE', stream.key, past(stream), string.match(last[1], '^%d+')))
  stream.ended = #redis.call('XRANGE', stream.key, past(stream), '+', 'COUNT', 1) == 0
end

local streams, open = {}, {}
for i = 2, #KEYS do
  streams[i - 1] = { key = KEYS[i], entries = {}, bytes = 0, ended = false }
  open[i - 1] = streams[i - 1]
end
-- Every stream gets an equal share; what quiet ones leave is shared out again.
repeat
  local share, still = math.max(1, math.floor(bytes_left / math.max(1, #open))), {}
  for _, stream in ipairs(open) do
    bytes_left = bytes_left - take(stream, share)
    if not stream.ended and #stream.entries < entries_max then
      still[#still + 1] = stream
    end
  end
  open = still
until #open == 0 or bytes_left <= 0

local state = redis.call('HMGET', KEYS[1], 'high', 'floor', 'until')
local live = state[1] and state[2] and tonumber(state[3]) > now
local answer = { state[1] or '', live and state[2] or '' }
for _, stream in ipairs(streams) do
  finish_record(stream)
  answer[#answer + 1] = { stream.entries, stream.ended and 0 or 1 }
end
return answer
