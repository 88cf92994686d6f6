const N = 200000, mask = new Array(N + 1).fill(true);
mask[0] = false; mask[1] = false;
let count = 0;
for (let p = 2; p <= N; p++) {
  if (!mask[p]) continue;
  count += 1;
  for (let i = p * 2; i <= N; i += p) mask[i] = false;
}
return count;
