-- flip(fence | new token) -> {'flipped'} | {'stale'}
-- Opens the epoch that a rebuild has loaded. Never backwards: of two rebuilds the later epoch stays. The same
-- epoch under another run id is refused too, because its data was loaded into another server process.
local function flip(keys, args)
  local stored = redis.call('GET', keys[1])
  if stored and stored ~= args[1] and tonumber(string.match(stored, '^%d+')) >= tonumber(string.match(args[1], '^%d+')) then
    return { 'stale' }
  end
  redis.call('SET', keys[1], args[1])
  return { 'flipped' }
end
