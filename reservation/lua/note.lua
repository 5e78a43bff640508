-- note(fence | token, what, times, what, times...) -> {'noted'} | {'stale'}
-- Adds to the pace what was decided outside these functions: refusals by their codes.
local function note(keys, args)
  local pool = open_pool(keys[1], args[1])
  if not pool then
    return { 'stale' }
  end
  local now = now_ms()
  for i = 2, #args, 2 do
    pace(pool, args[i], now, tonumber(args[i + 1]))
  end
  return { 'noted' }
end
