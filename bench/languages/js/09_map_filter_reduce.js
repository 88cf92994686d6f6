const a = [];
for (let i = 0; i < 20000; i++) a.push(i);
const k = 3;
const r = a.map(x => x * k).filter(x => x % 2 === 0).map(x => x + 1).reduce((s, x) => s + x, 0);
const names = a.filter(x => x % 10 === 0).map(x => ({ id: x, name: `user${x}` }));
const n = names.filter(u => u.id > 5000).length;
return `${r} ${n} ${a.some(x => x > 19990)} ${a.every(x => x >= 0)}`;
