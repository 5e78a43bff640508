-- unlease(lease | claim) -> {'released' | 'kept'}
-- Gives back a claimant's lease if it still speaks of this claim: a late caller must not end a newer one.
local function unlease(keys, args)
  local value = redis.call('GET', keys[1])
  if value and string.sub(value, 1, #args[1]) == args[1] then
    redis.call('DEL', keys[1])
    return { 'released' }
  end
  return { 'kept' }
end
