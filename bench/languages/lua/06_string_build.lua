local b = {}
for i = 0, 29999 do
  b[#b + 1] = "item-"
  b[#b + 1] = i
  b[#b + 1] = i % 3 == 0 and ";" or ","
end
local s = table.concat(b)
local parts, from = {}, 1
while true do
  local at = string.find(s, ";", from, true)
  if not at then parts[#parts + 1] = string.sub(s, from); break end
  parts[#parts + 1] = string.sub(s, from, at - 1)
  from = at + 1
end
local n = 0
for _, p in ipairs(parts) do if string.find(p, "99", 1, true) then n = n + 1 end end
local t = ""
for i = 0, 9999 do t = #t .. ":" .. i end
return #s .. " " .. #parts .. " " .. n .. " " .. t
