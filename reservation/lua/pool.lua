-- What every function on a pool needs. All keys of a pool share its hash tag, so KEYS[1] (the fence) fixes the
-- slot and the other keys are derived from it:
--   {p7}:fence             "<epoch>:<run id of the server that rebuilt it>"
--   {p7}:<epoch>:units     hash  unit -> capacity
--   {p7}:<epoch>:holds     hash  claim -> cmsgpack {owner, claimant, expires_ms, confirm key or '', units}
--   {p7}:<epoch>:marks     zset  claim -> server ms at which it was marked confirming
--   {p7}:<epoch>:gone      zset  claim -> server ms at which it ended: an ended claim never comes back, however late
--                                a paused caller or a delayed packet asks for it
--   {p7}:<epoch>:u<unit>   zset  claim -> expiry in ms; +inf for confirming, booked and promised claims
--   {p7}:pace:<minute>     hash  "<what> <second>" -> how often; of all epochs, gone after PACE_KEPT_S

local GONE_KEPT_MS = 3600000
local SHARED = ' +' -- ends a lease's value once a second caller has taken the lease up
local PACE_KEPT_S = 1200
local REAP_LIMIT = 16 -- expired claims freed per unit and call: bounded work, and stock still comes back at once

-- nil when the caller's fence is not the stored one: another epoch, or data left by another server process.
local function open_pool(fence_key, token)
  if redis.call('GET', fence_key) ~= token then
    return nil
  end
  local prefix = string.sub(fence_key, 1, -6) .. string.match(token, '^%d+') .. ':'
  return {
    units = prefix .. 'units',
    holds = prefix .. 'holds',
    marks = prefix .. 'marks',
    gone = prefix .. 'gone',
    unit = prefix .. 'u',
    pace = string.sub(fence_key, 1, -6) .. 'pace:',
  }
end

local function now_ms()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

local function read_hold(pool, claim)
  local packed = redis.call('HGET', pool.holds, claim)
  return packed and cmsgpack.unpack(packed)
end

local function write_hold(pool, claim, hold)
  redis.call('HSET', pool.holds, claim, cmsgpack.pack(hold))
end

-- Gives back every unit of a hold but `kept`, and forgets the hold.
local function drop_hold(pool, claim, hold, kept)
  for _, unit in ipairs(hold.units) do
    if unit ~= kept then
      redis.call('ZREM', pool.unit .. unit, claim)
    end
  end
  redis.call('HDEL', pool.holds, claim)
  redis.call('ZREM', pool.marks, claim)
end

local function end_claim(pool, claim, now)
  redis.call('ZADD', pool.gone, now, claim)
  local old = redis.call('ZRANGEBYSCORE', pool.gone, '-inf', now - GONE_KEPT_MS, 'LIMIT', 0, REAP_LIMIT)
  if #old > 0 then
    redis.call('ZREM', pool.gone, unpack(old))
  end
end

-- Counts what has happened, in the second in which it did: held, full, released, expired, confirmed.
local function pace(pool, what, at_ms, times)
  local minute = math.floor(at_ms / 60000)
  local key = pool.pace .. minute
  if redis.call('HINCRBY', key, what .. ' ' .. math.floor(at_ms / 1000) - minute * 60, times) == times then
    redis.call('EXPIRE', key, PACE_KEPT_S)
  end
end

-- An expired hold is counted in the second in which it expired, by whoever finds it first: its entry in `holds` is then
-- gone. One that nobody found while its minute was kept is not counted any more.
local function pace_expired(pool, expires_ms, now)
  if expires_ms > now - PACE_KEPT_S * 1000 then
    pace(pool, 'expired', expires_ms, 1)
  end
end

-- Gives how many holds ended by it; the other units of a set give their places back when somebody wants those.
local function reap(pool, unit_key, now, limit)
  local expired = redis.call('ZRANGEBYSCORE', unit_key, '-inf', '(' .. now, 'LIMIT', 0, limit, 'WITHSCORES')
  local ended = 0
  for i = 1, #expired, 2 do
    redis.call('ZREM', unit_key, expired[i])
    if redis.call('HDEL', pool.holds, expired[i]) == 1 then
      pace_expired(pool, tonumber(expired[i + 1]), now)
      ended = ended + 1
    end
  end
  return ended
end
