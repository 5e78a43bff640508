-- apply(fence | token, (op, claim, unit)...) -> {'applied'} | {'stale'}
-- Writes what PostgreSQL has already committed. Repeating it, or doing it late, changes nothing: a `take` that
-- arrives after the same claim's `free` is ignored.
--   take: the unit is this claim's for good (booked or promised)     free: the claim no longer has the unit
--   drop: the hold was given up, all its units are free again
--   size: the unit's capacity is `claim`; with 0 the unit is withdrawn and whoever holds it loses the hold
local function apply(keys, args)
  local pool = open_pool(keys[1], args[1])
  if not pool then
    return { 'stale' }
  end
  local now, confirmed = now_ms(), 0
  for i = 2, #args, 3 do
    local op, claim, unit = args[i], args[i + 1], args[i + 2]
    if op == 'size' then
      redis.call('HSET', pool.units, unit, claim)
      if claim == '0' then
        for _, held in ipairs(redis.call('ZRANGEBYSCORE', pool.unit .. unit, '-inf', '(+inf')) do
          drop_hold(pool, held, read_hold(pool, held) or { units = { unit } })
          end_claim(pool, held, now)
        end
      end
    else
      local mine = read_hold(pool, claim)
      if mine then
        drop_hold(pool, claim, mine, op == 'take' and unit or nil)
        confirmed = confirmed + (op == 'take' and 1 or 0)
      end
      if op ~= 'take' then
        end_claim(pool, claim, now)
        redis.call('ZREM', pool.unit .. unit, claim)
      elseif mine and mine.key ~= '' then
        -- Marked claims have their place without an expiry already; `drop_hold` has kept it.
      elseif not redis.call('ZSCORE', pool.gone, claim) then
        redis.call('ZADD', pool.unit .. unit, '+inf', claim)
      end
    end
  end
  if confirmed > 0 then
    pace(pool, 'confirmed', now, confirmed)
  end
  return { 'applied' }
end
