-- join(lease | claim) -> {'joined', left_ms} | {'lost'}
-- A second caller takes up a lease, of another device or left by a crash. From here on the first one may not give it
-- up alone (see `unlease`), because the second may already have the claim.
local function join(keys, args)
  local value = redis.call('GET', keys[1])
  if not value or string.sub(value, 1, #args[1]) ~= args[1] then
    return { 'lost' }
  end
  if string.sub(value, -2) ~= SHARED then
    redis.call('SET', keys[1], value .. SHARED, 'KEEPTTL')
  end
  return { 'joined', redis.call('PTTL', keys[1]) }
end
