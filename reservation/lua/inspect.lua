-- inspect(fence | unit) -> {capacity, claim, score, claim, score...} of claims that have not expired
-- For the audit: read-only, of whatever epoch the fence names; {} when there is none.
local function inspect(keys, args)
  local fence = redis.call('GET', keys[1])
  if not fence then
    return {}
  end
  local pool = open_pool(keys[1], fence)
  local capacity = redis.call('HGET', pool.units, args[1])
  if not capacity then
    return {}
  end
  local found = redis.call('ZRANGEBYSCORE', pool.unit .. args[1], now_ms(), '+inf', 'WITHSCORES')
  table.insert(found, 1, capacity)
  return found
end
