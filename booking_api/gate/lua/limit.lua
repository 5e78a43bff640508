-- limit(key... | (interval_us, burst)...) -> {(allowed 0|1, remaining, wait_ms)...}, three numbers per key
-- GCRA (ITU-T I.371): a key holds the theoretical arrival time of the next call, in microseconds of the server's
-- clock. `wait_ms`: until the next call is allowed when refused, until the whole burst is back when allowed.
local function limit(keys, args)
  local t = redis.call('TIME')
  local now = t[1] * 1000000 + t[2]
  local answer = {}
  for i, key in ipairs(keys) do
    local interval, burst = tonumber(args[2 * i - 1]), tonumber(args[2 * i])
    local arrival = math.max(tonumber(redis.call('GET', key) or 0), now) + interval
    local early = arrival - interval * burst - now
    local n = #answer
    if early > 0 then
      answer[n + 1], answer[n + 2], answer[n + 3] = 0, 0, math.ceil(early / 1000)
    else
      local back_ms = math.ceil((arrival - now) / 1000)
      redis.call('SET', key, string.format('%.0f', arrival), 'PX', back_ms)
      answer[n + 1], answer[n + 2], answer[n + 3] = 1, math.floor(-early / interval), back_ms
    end
  end
  return answer
end
