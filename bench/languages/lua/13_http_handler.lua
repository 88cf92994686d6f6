local function split(s, sep)
  local parts, from = {}, 1
  while true do
    local at = string.find(s, sep, from, true)
    if not at then parts[#parts + 1] = string.sub(s, from); return parts end
    parts[#parts + 1] = string.sub(s, from, at - 1)
    from = at + #sep
  end
end
local escapes = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n" }
local function write(b, v)
  local t = type(v)
  if t == "table" then
    if #v > 0 then
      b[#b + 1] = "["
      for i = 1, #v do if i > 1 then b[#b + 1] = "," end write(b, v[i]) end
      b[#b + 1] = "]"
    else
      b[#b + 1] = "{"
      local first = true
      for k, x in pairs(v) do
        if not first then b[#b + 1] = "," end
        first = false
        b[#b + 1] = '"' .. k .. '":'
        write(b, x)
      end
      b[#b + 1] = "}"
    end
  elseif t == "string" then b[#b + 1] = '"' .. string.gsub(v, '["\\\n]', escapes) .. '"'
  else b[#b + 1] = tostring(v) end
end
local function to_json(v) local b = {} write(b, v) return table.concat(b) end
local function parse_query(q)
  local out = {}
  for _, pair in ipairs(split(q, "&")) do
    local at = string.find(pair, "=", 1, true)
    if at then out[string.sub(pair, 1, at - 1)] = string.sub(pair, at + 1) else out[pair] = "" end
  end
  return out
end
local function validate(req)
  if req.method ~= "POST" then error({ status = 405, error = "method not allowed" }) end
  local b = req.body
  if b.name == nil or #b.name == 0 then error({ status = 422, error = "name required" }) end
  if type(b.qty) ~= "number" or b.qty <= 0 then error({ status = 422, error = "qty must be positive" }) end
end
local function handle(req)
  local res = { status = 200, headers = { ["content-type"] = "application/json" } }
  local good, e = pcall(function()
    validate(req)
    local q, items, total = parse_query(req.query), {}, 0.0
    for _, it in ipairs(req.body.items) do
      local price = it.price * it.qty
      if (q.coupon or "") == "TEN" then price = price * 0.9 end
      total = total + price
      items[#items + 1] = { sku = string.upper(it.sku), line = price }
    end
    local tags = {}
    for _, t in ipairs(req.body.tags) do if #t > 2 then tags[#tags + 1] = string.lower(t) end end
    res.body = { id = "ord-" .. req.id, name = req.body.name, items = items, total = total, tags = tags }
    res.headers["x-request-id"] = "" .. req.id
  end)
  if not good then
    res.status = e.status or 500
    res.body = { error = e.error or "internal" }
  end
  return res
end
local bytes, errs = 0, 0
for id = 0, 1999 do
  local req = {
    id = id, method = id % 10 == 0 and "GET" or "POST", query = "page=2&coupon=TEN&debug",
    body = { name = "Alice", qty = id % 7 == 0 and 0 or 3, tags = { "New", "VIP", "x", "Gift" },
      items = { { sku = "a-1", price = 9.5, qty = 2 }, { sku = "b-2", price = 3.25, qty = 4 }, { sku = "c-3", price = 100.0, qty = 1 } } }
  }
  local res = handle(req)
  if res.status >= 400 then errs = errs + 1 end
  bytes = bytes + #to_json(res)
end
return " " .. errs
