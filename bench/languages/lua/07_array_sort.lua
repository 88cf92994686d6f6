local a, seed = {}, 12345
for i = 1, 10000 do
  local lo = seed % 65536
  local hi = (seed - lo) / 65536
  seed = ((hi * 1103515245 % 32768) * 65536 + lo * 1103515245 + 12345) % 2147483648
  a[i] = seed % 100000
end
local b, c = {}, {}
for i = 1, #a do b[i], c[i] = a[i], a[i] end
table.sort(b, function(x, y) return x < y end)
table.sort(c)
local ok = true
for i = 2, #b do if b[i - 1] > b[i] or b[i] ~= c[i] then ok = false end end
return string.format("%s %d %d", tostring(ok), b[1], b[#b])
