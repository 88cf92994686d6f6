local function map(a, f) local b = {} for i = 1, #a do b[i] = f(a[i]) end return b end
local function filter(a, f) local b = {} for i = 1, #a do if f(a[i]) then b[#b + 1] = a[i] end end return b end
local function reduce(a, f, s) for i = 1, #a do s = f(s, a[i]) end return s end
local function some(a, f) for i = 1, #a do if f(a[i]) then return true end end return false end
local function all(a, f) for i = 1, #a do if not f(a[i]) then return false end end return true end
local a = {}
for i = 0, 19999 do a[#a + 1] = i end
local k = 3
local r = reduce(map(filter(map(a, function(x) return x * k end), function(x) return x % 2 == 0 end), function(x) return x + 1 end),
  function(s, x) return s + x end, 0)
local names = map(filter(a, function(x) return x % 10 == 0 end), function(x) return { id = x, name = "user" .. x } end)
local n = #filter(names, function(u) return u.id > 5000 end)
return string.format("%d %d %s %s", r, n, tostring(some(a, function(x) return x > 19990 end)), tostring(all(a, function(x) return x >= 0 end)))
