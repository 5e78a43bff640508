-- look(fence | token, claim, owner) -> {'held', expires_ms, confirm key, claimant, unit...} | {'gone'} | {'stale'}
-- Read-only: what the owner has now. A claim that is being confirmed has a key, and does not expire.
local function look(keys, args)
  local pool = open_pool(keys[1], args[1])
  if not pool then
    return { 'stale' }
  end
  local mine = read_hold(pool, args[2])
  if not mine or mine.owner ~= args[3] or (mine.key == '' and mine.expires_ms <= now_ms()) then
    return { 'gone' }
  end
  return { 'held', mine.expires_ms, mine.key, mine.claimant, unpack(mine.units) }
end
