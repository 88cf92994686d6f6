const a = [];
let seed = 12345;
for (let i = 0; i < 10000; i++) {
  const hi = Math.floor(seed / 65536), lo = seed % 65536;
  seed = ((hi * 1103515245 % 32768) * 65536 + lo * 1103515245 + 12345) % 2147483648;
  a.push(seed % 100000);
}
const b = a.slice();
b.sort((x, y) => x - y);
const c = a.slice();
c.sort((x, y) => x - y);
let ok = true;
for (let i = 1; i < b.length; i++) if (b[i - 1] > b[i] || b[i] !== c[i]) ok = false;
return `${ok} ${b[0]} ${b[b.length - 1]}`;
