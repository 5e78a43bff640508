-- overdue(fence | token, patience_ms, limit) -> {'overdue', claim...} | {'stale'}
-- Claims marked confirming longer ago than `patience_ms`, oldest first.
local function overdue(keys, args)
  local pool = open_pool(keys[1], args[1])
  if not pool then
    return { 'stale' }
  end
  local before = now_ms() - tonumber(args[2])
  return { 'overdue', unpack(redis.call('ZRANGEBYSCORE', pool.marks, '-inf', before, 'LIMIT', 0, args[3])) }
end
