-- unlease(lease | claim, 'ended' or 'refused') -> {'released' | 'kept' | 'shared'}
-- Gives back a claimant's lease if it still speaks of this claim: a late caller must not end a newer one.
-- 'refused' is said by a caller whose own try failed: a shared lease stays, for the other caller may have succeeded.
local function unlease(keys, args)
  local value = redis.call('GET', keys[1])
  if not value or string.sub(value, 1, #args[1]) ~= args[1] then
    return { 'kept' }
  end
  if args[2] == 'refused' and string.sub(value, -2) == SHARED then
    return { 'shared' }
  end
  redis.call('DEL', keys[1])
  return { 'released' }
end
