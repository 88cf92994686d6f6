local i, x, y = 0, 0, 1.5
while i < 300000 do
  -- math.fmod-like remainder is not needed: x * 31 + i is never below -31.
  local v = x * 31 + i
  if v < 0 then x = -((-v) % 1000003) else x = v % 1000003 end
  y = y * 1.0000001 + 0.5
  if x % 2 == 0 and i > 10 then x = x + 1 else x = x - 1 end
  i = i + 1
end
return x .. " " .. tostring(y > 0.0)
