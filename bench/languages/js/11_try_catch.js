function risky(i) {
  if (i % 3 === 0) throw { code: i % 7, msg: "bad" };
  if (i % 5 === 0) { const a = [1, 2]; if (i >= a.length) throw new RangeError("index"); return a[i]; }
  return i;
}
let ok = 0, codes = 0, bounds = 0;
for (let i = 1; i < 30000; i++) {
  try { ok += risky(i) % 10; }
  catch (e) { if (e.code !== undefined) codes += e.code; else bounds += 1; }
}
return `${ok} ${codes} ${bounds}`;
