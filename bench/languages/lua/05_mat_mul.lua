local function make(n, seed)
  local m = {}
  for i = 0, n - 1 do
    local row = {}
    for j = 0, n - 1 do row[#row + 1] = ((i * n + j) * seed % 17) / 7.0 end
    m[#m + 1] = row
  end
  return m
end
local function mul(a, b, n)
  local c = {}
  for i = 1, n do
    local row = {}
    for j = 1, n do
      local s = 0.0
      for k = 1, n do s = s + a[i][k] * b[k][j] end
      row[#row + 1] = s
    end
    c[#c + 1] = row
  end
  return c
end
local n = 50
local c = mul(make(n, 3), make(n, 5), n)
local t = 0.0
for _, r in ipairs(c) do for _, v in ipairs(r) do t = t + v end end
return string.format("%d", math.floor(t))
