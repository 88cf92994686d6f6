local N, mask = 200000, {}
for i = 0, N do mask[i] = true end
mask[0] = false; mask[1] = false
local count = 0
for p = 2, N do
  if mask[p] then
    count = count + 1
    local i = p * 2
    while i <= N do mask[i] = false; i = i + p end
  end
end
return count
