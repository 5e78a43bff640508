-- release(fence | token, claim, owner) -> {'released', claimant} | {'gone'} | {'in_flight'} | {'stale'}
local function release(keys, args)
  local pool = open_pool(keys[1], args[1])
  if not pool then
    return { 'stale' }
  end
  local claim = args[2]
  local mine = read_hold(pool, claim)
  if not mine or mine.owner ~= args[3] then
    return { 'gone' }
  end
  if mine.key ~= '' then
    return { 'in_flight' }
  end
  local now = now_ms()
  drop_hold(pool, claim, mine)
  end_claim(pool, claim, now)
  if mine.expires_ms > now then
    pace(pool, 'released', now, 1)
  else
    pace_expired(pool, mine.expires_ms, now)
  end
  return { 'released', mine.claimant }
end
