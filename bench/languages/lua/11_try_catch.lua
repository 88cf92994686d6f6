local function risky(i)
  if i % 3 == 0 then error({ code = i % 7, msg = "bad" }) end
  if i % 5 == 0 then local a = { 1, 2 }; if i >= #a then error("index") end return a[i + 1] end
  return i
end
local ok, codes, bounds = 0, 0, 0
for i = 1, 29999 do
  local good, v = pcall(risky, i)
  if good then ok = ok + v % 10
  elseif type(v) == "table" then codes = codes + v.code
  else bounds = bounds + 1 end
end
return ok .. " " .. codes .. " " .. bounds
