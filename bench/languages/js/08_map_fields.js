const m = { count: 0, total: 0.0, nested: { hits: 0, last: "" }, tags: {} };
for (let i = 0; i < 100000; i++) {
  m.count += 1;
  m.total += 0.5;
  m.nested.hits += i % 3;
  if (i % 100 === 0) {
    m.nested.last = `i${i}`;
    const k = `k${i % 1000}`;
    m.tags[k] = (m.tags[k] ?? 0) + 1;
  }
}
return `${m.count} ${m.total.toFixed(1)} ${m.nested.hits} ${m.nested.last} ${Object.keys(m.tags).length}`;
