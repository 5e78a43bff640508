-- free(fence | unit...) -> {free...}, one integer per unit, -1 for a unit that is not there
-- Read-only and open to any fence: a count that is a moment old is still worth showing.
local function free(keys, args)
  local fence = redis.call('GET', keys[1])
  local counts = {}
  if not fence then
    for i = 1, #args do
      counts[i] = -1
    end
    return counts
  end
  local pool = open_pool(keys[1], fence)
  local now = now_ms()
  for i, unit in ipairs(args) do
    local capacity = redis.call('HGET', pool.units, unit)
    if capacity then
      counts[i] = math.max(0, tonumber(capacity) - redis.call('ZCOUNT', pool.unit .. unit, now, '+inf'))
    else
      counts[i] = -1
    end
  end
  return counts
end
