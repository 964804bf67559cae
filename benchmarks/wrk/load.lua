-- Requests from files, in turn, and one line of JSON at the end.
-- METHOD and TYPE from the environment; PATHS: a file with one path a line; BODY: a file with a body,
-- in which every %N becomes a number that no other request has.
local method = os.getenv("METHOD") or "GET"
local paths, at = {}, 0
if os.getenv("PATHS") then
  for line in io.lines(os.getenv("PATHS")) do paths[#paths + 1] = line end
end
local parts
if (os.getenv("BODY") or "") ~= "" then
  local file = io.open(os.getenv("BODY"), "r")
  local text = file:read("*a")
  file:close()
  parts = {}
  local from = 1
  while true do
    local found = string.find(text, "%N", from, true)
    if not found then parts[#parts + 1] = string.sub(text, from); break end
    parts[#parts + 1] = string.sub(text, from, found - 1)
    from = found + 2
  end
end
wrk.method = method
wrk.headers["Content-Type"] = "application/fhir+json"
if os.getenv("KEY") then wrk.headers["Authorization"] = "Bearer " .. os.getenv("KEY") end
local seed = os.getenv("SEED") or "0"

function request()
  at = at + 1
  local path = paths[(at - 1) % #paths + 1]
  if parts then
    return wrk.format(nil, path, nil, table.concat(parts, seed .. string.format("%07d", at)))
  end
  return wrk.format(nil, path)
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    'ROW {"requests": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
