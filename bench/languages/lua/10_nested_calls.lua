local function add(a, b) return a + b end
local function sq(x) return x * x end
local function norm(x, y) return add(sq(x), sq(y)) end
local function clamp(x, lo, hi) if x < lo then return lo elseif x > hi then return hi else return x end end
local function step(acc, i) return clamp(add(acc, norm(i % 7, i % 5)), 0, 1000000) % 999983 end
local acc = 0
for i = 0, 49999 do acc = step(acc, i) end
return acc
