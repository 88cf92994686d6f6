function parseQuery(q) {
  const out = {};
  for (const pair of q.split("&")) {
    const at = pair.indexOf("=");
    if (at < 0) out[pair] = ""; else out[pair.slice(0, at)] = pair.slice(at + 1);
  }
  return out;
}
function validate(req) {
  if (req.method !== "POST") throw { status: 405, error: "method not allowed" };
  const b = req.body;
  if (b.name === undefined || b.name.length === 0) throw { status: 422, error: "name required" };
  if (typeof b.qty !== "number" || b.qty <= 0) throw { status: 422, error: "qty must be positive" };
}
function handle(req) {
  const res = { status: 200, headers: { "content-type": "application/json" }, body: null };
  try {
    validate(req);
    const q = parseQuery(req.query), items = [];
    let total = 0.0;
    for (const it of req.body.items) {
      let price = it.price * it.qty;
      if ((q.coupon ?? "") === "TEN") price *= 0.9;
      total += price;
      items.push({ sku: it.sku.toUpperCase(), line: price });
    }
    res.body = { id: `ord-${req.id}`, name: req.body.name, items: items, total: total,
      tags: req.body.tags.filter(t => t.length > 2).map(t => t.toLowerCase()) };
    res.headers["x-request-id"] = `${req.id}`;
  } catch (e) {
    res.status = e.status ?? 500;
    res.body = { error: e.error ?? "internal" };
  }
  return res;
}
let bytes = 0, errs = 0;
for (let id = 0; id < 2000; id++) {
  const req = {
    id: id, method: id % 10 === 0 ? "GET" : "POST", query: "page=2&coupon=TEN&debug",
    body: { name: "Alice", qty: id % 7 === 0 ? 0 : 3, tags: ["New", "VIP", "x", "Gift"],
      items: [{ sku: "a-1", price: 9.5, qty: 2 }, { sku: "b-2", price: 3.25, qty: 4 }, { sku: "c-3", price: 100.0, qty: 1 }] }
  };
  const res = handle(req);
  if (res.status >= 400) errs += 1;
  bytes += JSON.stringify(res).length;
}
return ` ${errs}`;
