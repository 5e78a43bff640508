-- mark(fence | token, claim, owner, confirm key, unit or '')
--   -> {'confirming', unit, claimant} | {'gone'} | {'in_flight'} | {'choose'} | {'stale'}
-- From here on the claim does not expire: it is booked, or the sweeper gives up on it. The first mark's time
-- stands, so repeating a confirm cannot keep a claim out of the sweeper's reach for ever.
local function mark(keys, args)
  local pool = open_pool(keys[1], args[1])
  if not pool then
    return { 'stale' }
  end
  local claim, key, chosen, now = args[2], args[4], args[5], now_ms()
  local mine = read_hold(pool, claim)
  if not mine or mine.owner ~= args[3] then
    return { 'gone' }
  end
  if chosen == '' and #mine.units == 1 then
    chosen = mine.units[1]
  end
  local offered = false
  for _, unit in ipairs(mine.units) do
    offered = offered or unit == chosen
  end
  if not offered then
    return { 'choose' }
  end
  if mine.key == '' then
    if mine.expires_ms <= now then
      drop_hold(pool, claim, mine)
      pace_expired(pool, mine.expires_ms, now)
      return { 'gone' }
    end
    mine.key = key
    write_hold(pool, claim, mine)
    for _, unit in ipairs(mine.units) do
      redis.call('ZADD', pool.unit .. unit, '+inf', claim)
    end
    redis.call('ZADD', pool.marks, now, claim)
  elseif mine.key ~= key then
    return { 'in_flight' }
  end
  return { 'confirming', chosen, mine.claimant }
end
