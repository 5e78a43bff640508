-- look_or_end(fence | token, claim) -> {'held', expires_ms} | {'gone'} | {'stale'}
-- For whoever is about to take the claimant's lease over: a claim that is not there must not arrive later either.
local function look_or_end(keys, args)
  local pool = open_pool(keys[1], args[1])
  if not pool then
    return { 'stale' }
  end
  local claim, now = args[2], now_ms()
  local mine = read_hold(pool, claim)
  if mine and (mine.key ~= '' or mine.expires_ms > now) then
    return { 'held', mine.expires_ms }
  end
  if mine then
    drop_hold(pool, claim, mine)
    pace_expired(pool, mine.expires_ms, now)
  end
  end_claim(pool, claim, now)
  return { 'gone' }
end
