-- hold(fence | token, claim, owner, claimant, ttl_ms, unit...)
--   -> {'held', expires_ms, expired} | {'full', unit, expired} | {'unknown_unit', unit} | {'gone'} | {'stale'}
-- All units or none. Idempotent by claim id: the same call again returns the same expiry and takes nothing more.
-- `expired`: how many others' holds were found over on the way and ended.
-- 'gone': this claim id was booked, released or given up before and cannot be held again.
local function hold(keys, args)
  local pool = open_pool(keys[1], args[1])
  if not pool then
    return { 'stale' }
  end
  local claim, ttl_ms, now = args[2], tonumber(args[5]), now_ms()
  local mine = read_hold(pool, claim)
  if mine then
    if mine.key ~= '' or mine.expires_ms > now then
      return { 'held', mine.expires_ms, 0 }
    end
    drop_hold(pool, claim, mine)
    pace_expired(pool, mine.expires_ms, now)
    return { 'gone' }
  end
  if ttl_ms <= 0 or redis.call('ZSCORE', pool.gone, claim) then
    return { 'gone' }
  end
  local units, expired = {}, 0
  for i = 6, #args do
    local unit = args[i]
    local capacity = redis.call('HGET', pool.units, unit)
    if not capacity then
      return { 'unknown_unit', unit }
    end
    local unit_key = pool.unit .. unit
    expired = expired + reap(pool, unit_key, now, REAP_LIMIT)
    if redis.call('ZSCORE', unit_key, claim) then
      return { 'gone' }
    end
    if redis.call('ZCARD', unit_key) >= tonumber(capacity) then -- guard: never more claims than places
      pace(pool, 'full', now, 1)
      return { 'full', unit, expired }
    end
    units[#units + 1] = unit
  end
  local expires_ms = now + ttl_ms
  for _, unit in ipairs(units) do
    redis.call('ZADD', pool.unit .. unit, expires_ms, claim)
  end
  write_hold(pool, claim, { owner = args[3], claimant = args[4], expires_ms = expires_ms, key = '', units = units })
  pace(pool, 'held', now, 1)
  return { 'held', expires_ms, expired }
end
