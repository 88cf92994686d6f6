function newCounter(step) {
  return { value: 0, step: step,
    inc: function () { this.value += this.step; },
    get: function () { return this.value; } };
}
function bump(c, n) { c.value += n; }
const c = newCounter(2);
let x = 0;
const log = v => { x += v; };
for (let i = 0; i < 30000; i++) {
  c.inc();
  bump(c, 1);
  if (i % 100 === 0) log(c.get());
}
return `${c.get()} ${x}`;
