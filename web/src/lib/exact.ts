// JSON whose numbers stay as they are written. JavaScript reads 1.0 as 1, and
// 9223372036854775807 as 9223372036854776000; scripts tell these apart. A number
// that it would change is a text behind a mark until it is written again.
const mark = `number ${Math.random().toString(36).slice(2)} `;
const tokens = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;
const marked = new RegExp(`"${mark}([^"]*)"`, 'g');

// read reads what is known to be JSON.
export function read(text: string): unknown {
  return JSON.parse(text.replace(tokens, (token) => (token.startsWith('"') || String(Number(token)) === token ? token : JSON.stringify(mark + token))));
}

// write writes a value, with those numbers as they were read.
export function write(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(marked, '$1');
}
