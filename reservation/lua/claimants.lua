-- claimants(fence | cursor) -> {next cursor, claim, claimant, claim, claimant...} of live holds
-- For the audit: one step of a scan over the pool's holds.
local function claimants(keys, args)
  local fence = redis.call('GET', keys[1])
  if not fence then
    return { '0' }
  end
  local pool = open_pool(keys[1], fence)
  local step = redis.call('HSCAN', pool.holds, args[1], 'COUNT', 1000)
  local found, now = { step[1] }, now_ms()
  for i = 1, #step[2], 2 do
    local hold = cmsgpack.unpack(step[2][i + 1])
    if hold.key ~= '' or hold.expires_ms > now then
      found[#found + 1] = step[2][i]
      found[#found + 1] = hold.claimant
    end
  end
  return found
end
