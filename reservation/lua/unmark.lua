-- unmark(fence | token, claim, confirm key) -> {'held' | 'gone' | 'in_flight' | 'stale'}
-- A confirm that was refused for good: the hold goes back to its own life, with the expiry it always had, unless its
-- unit was withdrawn meanwhile. A mark that another key has set meanwhile is left alone.
local function unmark(keys, args)
  local pool = open_pool(keys[1], args[1])
  if not pool then
    return { 'stale' }
  end
  local claim = args[2]
  local mine = read_hold(pool, claim)
  if not mine then
    return { 'gone' }
  end
  if mine.key ~= args[3] then
    return { mine.key == '' and 'held' or 'in_flight' }
  end
  for _, unit in ipairs(mine.units) do
    if redis.call('HGET', pool.units, unit) == '0' then
      drop_hold(pool, claim, mine)
      end_claim(pool, claim, now_ms())
      return { 'gone' }
    end
  end
  mine.key = ''
  write_hold(pool, claim, mine)
  for _, unit in ipairs(mine.units) do
    redis.call('ZADD', pool.unit .. unit, mine.expires_ms, claim)
  end
  redis.call('ZREM', pool.marks, claim)
  return { 'held' }
end
