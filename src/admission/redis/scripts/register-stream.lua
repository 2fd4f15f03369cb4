-- Writes a lease that its node holds and the store may have lost. Never refuses: the stream is open.
--
-- KEYS[1]  hash of the user's streams, as in acquire-stream.lua
-- ARGV[1]  stream      ARGV[2]  this node's tag      ARGV[3]  opened at, ms      ARGV[4]  state: h or o      ARGV[5]  ttl, ms
--
-- Returns 1. A stream that was told to leave stays told.

local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local value = redis.call('HGET', KEYS[1], ARGV[1])
local told = value and string.match(value, '|l|(%d+)$')
local state = told and 'l|' .. told or ARGV[4]
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. '|' .. ARGV[3] .. '|' .. now .. '|' .. state)
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 1
