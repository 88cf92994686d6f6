// A PiCloud instance of a test's own, in a directory of its own, and a way to
// speak to its REST API.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

export const owner = { username: 'ada', password: 'correct horse battery' };

// start builds and starts picloud on a free port and resolves when it says
// where it is. stop() ends it and removes its data. Unless withOwner is false it
// has an owner, whose token call sends along.
export async function start({ withOwner = true } = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'picloud-e2e-'));
  const binary = join(dir, 'picloud');
  execFileSync('go', ['build', '-o', binary, './cmd/picloud'], { cwd: root, stdio: 'inherit' });
  const child = spawn(binary, ['serve', '--listen', '127.0.0.1:0', '--data', join(dir, 'data')], {
    env: {
      ...process.env,
      ...(withOwner ? { PICLOUD_OWNER_USERNAME: owner.username, PICLOUD_OWNER_PASSWORD: owner.password } : {}),
    },
  });
  let output = '';
  const url = await new Promise((resolve, reject) => {
    const read = (chunk) => {
      output += chunk;
      const found = output.match(/http:\/\/127\.0\.0\.1:\d+/);
      if (found) resolve(found[0]);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('exit', (code) => reject(new Error(`picloud ended with ${code}:\n${output}`)));
  });
  const ended = new Promise((resolve) => child.on('exit', resolve));

  const instance = {
    url,
    token: '',
    output: () => output,
    // call sends a request with the owner's token and returns the answer's JSON.
    async call(method, path, body) {
      const response = await fetch(url + '/api/v1' + path, {
        method,
        headers: {
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(instance.token ? { authorization: `Bearer ${instance.token}` } : {}),
        },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
      return text ? JSON.parse(text) : undefined;
    },
    async stop() {
      child.kill('SIGTERM');
      await ended;
      rmSync(dir, { recursive: true, force: true });
    },
  };
  if (withOwner) instance.token = (await instance.call('POST', '/sessions', owner)).token;
  return instance;
}
