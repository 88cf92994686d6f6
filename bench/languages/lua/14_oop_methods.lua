local function new_counter(step)
  return { value = 0, step = step,
    inc = function(self) self.value = self.value + self.step end,
    get = function(self) return self.value end }
end
local function bump(c, n) c.value = c.value + n end
local c = new_counter(2)
local x = 0
local function log(v) x = x + v end
for i = 0, 29999 do
  c:inc()
  bump(c, 1)
  if i % 100 == 0 then log(c:get()) end
end
return c:get() .. " " .. x
