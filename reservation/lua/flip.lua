-- flip(fence | closing mark, new token) -> {'flipped'} | {'stale'}
-- Opens the epoch that a rebuild has loaded, if the fence is still as that rebuild closed it. Otherwise another rebuild
-- has begun since, or the server was emptied and what was loaded went with it.
local function flip(keys, args)
  if redis.call('GET', keys[1]) ~= args[1] then
    return { 'stale' }
  end
  redis.call('SET', keys[1], args[2])
  return { 'flipped' }
end
