function make(n, seed) {
  const m = [];
  for (let i = 0; i < n; i++) {
    const row = [];
    for (let j = 0; j < n; j++) row.push(((i * n + j) * seed % 17) / 7.0);
    m.push(row);
  }
  return m;
}
function mul(a, b, n) {
  const c = [];
  for (let i = 0; i < n; i++) {
    const row = [];
    for (let j = 0; j < n; j++) {
      let s = 0.0;
      for (let k = 0; k < n; k++) s += a[i][k] * b[k][j];
      row.push(s);
    }
    c.push(row);
  }
  return c;
}
const n = 50, c = mul(make(n, 3), make(n, 5), n);
let t = 0.0;
for (const r of c) for (const v of r) t += v;
return Math.trunc(t);
