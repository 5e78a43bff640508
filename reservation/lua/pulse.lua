-- pulse(fence | token, minutes, reap_limit, unit...)
--   -> {'pulse', now_ms, ended, confirming, {free, held, free, held...}, {minute, {"<what> <second>", times...}, minute...}}
--    | {'stale'}
-- How these units and the pool's pace stand. Frees what has expired first, so that what nobody asks for any more is
-- counted too: at most `reap_limit` claims of each unit a call. `held` counts places, `confirming` claims.
local function pulse(keys, args)
  local pool = open_pool(keys[1], args[1])
  if not pool then
    return { 'stale' }
  end
  local now, ended, stand = now_ms(), 0, {}
  for i = 4, #args do
    local unit_key = pool.unit .. args[i]
    ended = ended + reap(pool, unit_key, now, args[3])
    local capacity = tonumber(redis.call('HGET', pool.units, args[i]) or '0')
    stand[#stand + 1] = math.max(0, capacity - redis.call('ZCOUNT', unit_key, now, '+inf'))
    stand[#stand + 1] = redis.call('ZCOUNT', unit_key, now, '(+inf')
  end
  local kept, minute = {}, math.floor(now / 60000)
  for at = minute - tonumber(args[2]), minute do
    kept[#kept + 1] = at
    kept[#kept + 1] = redis.call('HGETALL', pool.pace .. at)
  end
  return { 'pulse', now, ended, redis.call('ZCARD', pool.marks), stand, kept }
end
