let t = 0;
const words = ["get", "post", "put", "delete", "patch", "head"];
for (let i = 0; i < 200000; i++) {
  switch (i % 16) {
    case 0: t += 1; break;
    case 1: t += 2; break;
    case 2: t += 3; break;
    case 3: case 4: t += 4; break;
    case 10: t += i % 2 === 0 ? 6 : 8; break;
    case 11: t += 7; break;
    case 5: case 6: case 7: case 8: case 9: t += 5; break;
    default: t += 8;
  }
  switch (words[i % 6]) {
    case "get": t += 1; break;
    case "post": case "put": t += 2; break;
    case "delete": t += 3; break;
    default: t += 0;
  }
}
return t;
