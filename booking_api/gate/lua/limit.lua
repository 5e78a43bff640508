-- limit(key | interval_us, burst) -> {allowed 0|1, remaining, wait_ms}
-- GCRA (ITU-T I.371): the key holds the theoretical arrival time of the next call, in microseconds of the server's
-- clock. `wait_ms`: until the next call is allowed when refused, until the whole burst is back when allowed.
local function limit(keys, args)
  local interval, burst = tonumber(args[1]), tonumber(args[2])
  local t = redis.call('TIME')
  local now = t[1] * 1000000 + t[2]
  local arrival = math.max(tonumber(redis.call('GET', keys[1]) or 0), now) + interval
  local early = arrival - interval * burst - now
  if early > 0 then
    return { 0, 0, math.ceil(early / 1000) }
  end
  local back_ms = math.ceil((arrival - now) / 1000)
  redis.call('SET', keys[1], string.format('%.0f', arrival), 'PX', back_ms)
  return { 1, math.floor(-early / interval), back_ms }
end
