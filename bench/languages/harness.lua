-- Runs FILE in passes as asked on the standard input: each line is how often, each answer the nanoseconds it
-- took and, once, the value.
local chunk = assert(loadfile(arg[1]))
io.write(tostring(chunk()), "\n")
io.flush()
for line in io.lines() do
  local n = tonumber(line)
  collectgarbage()
  local start = os.clock()
  for _ = 1, n do chunk() end
  io.write(string.format("%.0f\n", (os.clock() - start) * 1e9))
  io.flush()
end
