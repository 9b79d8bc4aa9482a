-- One POST over and over; the result as JSON in the last line. Set up without a `request` function, so that wrk
-- builds the request once.
wrk.method = "POST"
local body = assert(io.open(os.getenv("BENCH_BODY"), "rb"))
wrk.body = body:read("*a")
body:close()
for name, value in os.getenv("BENCH_HEADERS"):gmatch("([^\n:]+): ([^\n]*)") do
  wrk.headers[name] = value
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format('{"count":%d,"microseconds":%d,"p50":%d,"errors":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), failed))
end
