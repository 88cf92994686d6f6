local t = 0
local words = { "get", "post", "put", "delete", "patch", "head" }
for i = 0, 199999 do
  local k = i % 16
  if k == 0 then t = t + 1
  elseif k == 1 then t = t + 2
  elseif k == 2 then t = t + 3
  elseif k == 3 or k == 4 then t = t + 4
  elseif k == 10 and i % 2 == 0 then t = t + 6
  elseif k == 11 then t = t + 7
  elseif k >= 5 and k <= 9 then t = t + 5
  else t = t + 8 end
  local w = words[i % 6 + 1]
  if w == "get" then t = t + 1
  elseif w == "post" or w == "put" then t = t + 2
  elseif w == "delete" then t = t + 3
  else t = t + 0 end
end
return t
