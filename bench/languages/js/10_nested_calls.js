function add(a, b) { return a + b; }
function sq(x) { return x * x; }
function norm(x, y) { return add(sq(x), sq(y)); }
function clamp(x, lo, hi) { if (x < lo) return lo; else if (x > hi) return hi; else return x; }
function step(acc, i) { return clamp(add(acc, norm(i % 7, i % 5)), 0, 1000000) % 999983; }
let acc = 0;
for (let i = 0; i < 50000; i++) acc = step(acc, i);
return acc;
