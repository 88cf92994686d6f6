// Parts that are joined: appending to a string copies it in goja, which would take seconds.
const b = [];
for (let i = 0; i < 30000; i++) {
  b.push("item-");
  b.push(i);
  b.push(i % 3 === 0 ? ";" : ",");
}
const s = b.join("");
const parts = s.split(";");
let n = 0;
for (const p of parts) if (p.includes("99")) n += 1;
let t = "";
for (let i = 0; i < 10000; i++) t = `${t.length}:${i}`;
return `${s.length} ${parts.length} ${n} ${t}`;
