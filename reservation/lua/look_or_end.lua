-- look(fence | token, claim) -> {'held', expires_ms} | {'gone'} | {'stale'}
local function look(keys, args)
  local pool = open_pool(keys[1], args[1])
  if not pool then
    return { 'stale' }
  end
  local mine = read_hold(pool, args[2])
  if mine and (mine.key ~= '' or mine.expires_ms > now_ms()) then
    return { 'held', mine.expires_ms }
  end
  return { 'gone' }
end
