// Writes the table of the REST API's operations: how each is called and which
// permission it needs, as api/openapi.yaml says.
import { readFileSync, writeFileSync } from 'node:fs';
import { parse } from 'yaml';

const from = new URL('../../api/openapi.yaml', import.meta.url);
const to = new URL('../src/lib/api/operations.gen.ts', import.meta.url);

const { paths } = parse(readFileSync(from, 'utf8'));
const rows = Object.entries(paths).flatMap(([path, item]) =>
  Object.entries(item).map(
    ([method, o]) =>
      `  ${o.operationId}: { method: '${method.toUpperCase()}', path: '${path}', permission: '${o['x-picloud-permission']}' },`,
  ),
);
writeFileSync(to, `// Written by scripts/operations.js from api/openapi.yaml.\nexport const operations = {\n${rows.join('\n')}\n} as const;\n`);
