// Puts what vite built where Go embeds it, compressed. The start script leaves
// the page, for its content policy lets nothing inline run.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const root = fileURLToPath(new URL('..', import.meta.url));
const built = join(root, '.svelte-kit', 'dashboard');
const embedded = join(root, 'build');

const files = Object.fromEntries(
  readdirSync(built, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .map((path) => [path.slice(built.length + 1).replaceAll('\\', '/'), readFileSync(path)]),
);

const scripts = [];
const page = files['index.html'].toString().replace(/<script>([\s\S]*?)<\/script>/g, (_, text) => {
  const name = `app/immutable/start.${createHash('sha256').update(text).digest('hex').slice(0, 12)}.js`;
  files[name] = Buffer.from(text);
  scripts.push(name);
  return `<script src="/_/${name}"></script>`;
});
if (scripts.length !== 1 || /<script[^>]*>[^<]/.test(page)) throw new Error('index.html has another start script than expected');
files['index.html'] = Buffer.from(page);

// SvelteKit hides what it tells screen readers by an inline style; app.css does that.
const bundle = Object.keys(files).find((name) => name.endsWith('.js') && files[name].includes('"svelte-announcer"'));
const plain = files[bundle]?.toString().replace(/("svelte-announcer"[^>]*?) style="[^"]*"/, '$1');
if (!plain || plain.length === files[bundle].length || / style="/.test(plain)) throw new Error('the content policy would refuse an inline style');
files[bundle] = Buffer.from(plain);

for (const name of readdirSync(embedded)) if (name !== '.gitignore') rmSync(join(embedded, name), { recursive: true });
for (const [name, content] of Object.entries(files)) {
  const path = join(embedded, `${name}.gz`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, gzipSync(content, { level: 9 }));
}
