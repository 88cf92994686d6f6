// Loads modules of the dashboard as its build does, for tests of their logic.
import { fileURLToPath } from 'node:url';
import { createServer } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));
const server = await createServer({
  root,
  configFile: false,
  logLevel: 'error',
  appType: 'custom',
  server: { middlewareMode: true, watch: null, ws: false },
  optimizeDeps: { noDiscovery: true },
  resolve: { alias: { $lib: `${root}src/lib` } },
});

export const load = (path) => server.ssrLoadModule(path);
export const close = () => server.close();
