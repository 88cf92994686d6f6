local m = { count = 0, total = 0.0, nested = { hits = 0, last = "" }, tags = {} }
for i = 0, 99999 do
  m.count = m.count + 1
  m.total = m.total + 0.5
  m.nested.hits = m.nested.hits + i % 3
  if i % 100 == 0 then
    m.nested.last = "i" .. i
    local k = "k" .. i % 1000
    m.tags[k] = (m.tags[k] or 0) + 1
  end
end
local n = 0
for _ in pairs(m.tags) do n = n + 1 end
return string.format("%d %.1f %d %s %d", m.count, m.total, m.nested.hits, m.nested.last, n)
