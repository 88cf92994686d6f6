// A script answers arbitrary HTML on the host that also serves the dashboard
// and the API. Whoever opens that page while signed in must not lend it their
// rights.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, patience } from './browser.js';
import { owner, start } from './instance.js';

// What a hostile page would try. It runs in the page, as a script of the page.
const attack = `
async function attempt(f) {
  try { return { value: await f() }; } catch (e) { return { refused: String(e.name || e) }; }
}
async function attackAll() {
  const r = {};
  r.origin = await attempt(() => self.origin);
  r.cookieRead = await attempt(() => document.cookie);
  r.cookieWrite = await attempt(() => { document.cookie = 'picloud_session=stolen; path=/'; return 'written'; });
  r.localStorage = await attempt(() => localStorage.length);
  r.sessionStorage = await attempt(() => sessionStorage.length);
  r.indexedDB = await attempt(() => new Promise((ok, no) => {
    const q = indexedDB.open('x'); q.onsuccess = () => ok('opened'); q.onerror = () => no(q.error);
  }));
  r.serviceWorker = await attempt(() => navigator.serviceWorker.register('/demo/worker').then(() => 'registered'));
  r.whoami = await attempt(() => fetch('/api/v1/whoami', { credentials: 'include' }).then((x) => x.status + ' ' + x.type));
  r.create = await attempt(() => fetch('/api/v1/apps', {
    method: 'POST', credentials: 'include', headers: { 'content-type': 'application/json' }, body: '{"slug":"by-fetch"}',
  }).then((x) => x.status));
  r.createBlind = await attempt(() => fetch('/api/v1/apps', {
    method: 'POST', mode: 'no-cors', credentials: 'include', headers: { 'content-type': 'text/plain' }, body: '{"slug":"by-no-cors"}',
  }).then((x) => x.type));
  r.beacon = await attempt(() => navigator.sendBeacon('/api/v1/apps', new Blob(['{"slug":"by-beacon"}'], { type: 'text/plain' })));
  r.parentFrame = await attempt(() => new Promise((ok) => {
    const f = document.createElement('iframe');
    f.src = '/_/';
    f.onload = () => { try { ok(f.contentDocument ? f.contentDocument.body.innerText : 'no access'); } catch (e) { ok('no access'); } };
    document.body.append(f);
  }));
  r.popup = await attempt(() => new Promise((ok) => {
    const w = window.open('/_/');
    if (!w) return ok('no window');
    setTimeout(() => { try { ok(w.document.body.innerText); } catch (e) { ok('no access'); } }, 1000);
  }));
  return r;
}
`;

const page = (body) => `html(${'`'}<!doctype html><title>page</title><body>${body}</body>${'`'})`;

let instance;
let browser;
let context;

before(async () => {
  instance = await start();
  browser = await launch();
  context = await browser.newContext();
  context.setDefaultTimeout(patience);

  await instance.call('POST', '/apps', { slug: 'demo' });
  const deploy = (name, source) =>
    instance.call('PUT', `/apps/demo/scripts/${name}`, { source, endpoint: true });
  await deploy('hostile', page(`<script>${attack}</script>`));
  await deploy(
    'loose',
    `response(200)
       .header("content-type", "text/html")
       .header("content-security-policy", "sandbox allow-scripts allow-same-origin")
       .header("service-worker-allowed", "/")
       .header("clear-site-data", "\\"cookies\\"")
       .header("set-cookie", "picloud_session=stolen; Path=/")
       .body("<!doctype html><body><script>" + ${JSON.stringify(attack)} + "</script></body>")`,
  );
  await deploy('worker', 'response(200).header("content-type", "text/javascript").header("service-worker-allowed", "/").body("self.onfetch = () => {}")');
  await deploy(
    'form',
    page(
      '<form method="post" enctype="text/plain" action="/api/v1/apps"><input name=\'{"slug":"by-form","x":"\' value=\'"}\'><button>go</button></form>',
    ),
  );

  const signIn = await context.newPage();
  await signIn.goto(instance.url + '/_/login');
  await signIn.getByLabel(/username/i).fill(owner.username);
  await signIn.getByLabel(/password/i).fill(owner.password);
  await signIn.getByRole('button', { name: /sign in/i }).click();
  await signIn.waitForURL((url) => url.pathname === '/_/');
});

after(async () => {
  await browser?.close();
  await instance?.stop();
});

const slugs = async () => (await instance.call('GET', '/apps')).items.map((app) => app.slug);

// The attempts below prove something only while the browser is signed in.
async function assertSignedIn() {
  const tab = await context.newPage();
  const response = await tab.goto(instance.url + '/api/v1/whoami');
  assert.equal(response.status(), 200, "the browser's cookie is good for the API");
  await tab.close();
}

async function assertHarmless(path) {
  const tab = await context.newPage();
  await tab.goto(instance.url + path);
  const got = await tab.evaluate('attackAll()');
  assert.equal(got.origin.value, 'null', 'the page has an opaque origin');
  for (const name of ['cookieRead', 'cookieWrite', 'localStorage', 'sessionStorage', 'indexedDB', 'serviceWorker'])
    assert.ok(got[name].refused, `${name} is refused, got ${JSON.stringify(got[name])}`);
  for (const name of ['whoami', 'create'])
    assert.ok(
      got[name].refused || /^40[13]/.test(String(got[name].value)),
      `${name} is refused, got ${JSON.stringify(got[name])}`,
    );
  assert.equal(got.parentFrame.value, 'no access');
  assert.notEqual(got.popup.value?.includes?.(owner.username), true, 'the dashboard in a popup cannot be read');
  await tab.close();
}

test('a page of a script cannot act as the person who looks at it', async () => {
  await assertSignedIn();
  await assertHarmless('/demo/hostile');
  assert.deepEqual(await slugs(), ['demo'], 'nothing was created');
  await assertSignedIn();
});

test('a script cannot loosen the policy with headers of its own', async () => {
  await assertSignedIn();
  await assertHarmless('/demo/loose');
  assert.deepEqual(await slugs(), ['demo']);
  await assertSignedIn();
});

test('a form of a script cannot post to the API', async () => {
  await assertSignedIn();
  const tab = await context.newPage();
  await tab.goto(instance.url + '/demo/form');
  const [response] = await Promise.all([
    tab.waitForResponse((r) => r.url().endsWith('/api/v1/apps')),
    tab.getByRole('button').click(),
  ]);
  assert.ok([401, 403].includes(response.status()), `refused, got ${response.status()}`);
  assert.deepEqual(await slugs(), ['demo']);
  await assertSignedIn();
  await tab.close();
});

test("on its app's own host a page has storage, and nothing of the control plane", async () => {
  await assertSignedIn();
  const own = instance.url.replace('127.0.0.1', 'demo.localhost');
  const tab = await context.newPage();
  await tab.goto(own + '/hostile');
  const got = await tab.evaluate('attackAll()');
  assert.equal(got.origin.value, own);
  assert.equal(got.cookieRead.value, '', "the session's cookie is not sent here");
  assert.equal(got.localStorage.value, 0, 'storage is there, and empty');
  const crossed = await tab.evaluate(async (control) => {
    const tried = async (f) => { try { return await f(); } catch (e) { return e.name; } };
    return {
      read: await tried(() => fetch(control + '/api/v1/whoami', { credentials: 'include' }).then((r) => r.text())),
      blind: await tried(() => fetch(control + '/api/v1/apps', {
        method: 'POST', mode: 'no-cors', credentials: 'include', headers: { 'content-type': 'text/plain' }, body: '{"slug":"from-own-host"}',
      }).then((r) => r.type)),
    };
  }, instance.url);
  assert.equal(crossed.read, 'TypeError');
  assert.equal(crossed.blind, 'opaque', 'it was sent, and refused: see the apps');
  assert.deepEqual(await slugs(), ['demo']);
  await tab.close();
  await assertSignedIn();
});

test('the dashboard runs nothing that a script answers', async () => {
  await instance.call('PUT', '/apps/demo/scripts/code', { source: 'response(200).header("content-type", "text/javascript").body("window.ran = true")' });
  const dashboard = await context.newPage();
  await dashboard.goto(instance.url + '/_/');
  await dashboard.getByRole('heading', { name: 'Apps' }).waitFor();
  // The page itself tries, as somebody would who got a text of theirs into it.
  const tried = await dashboard.evaluate(async () => {
    const attempt = async (f) => { try { return await f(); } catch (e) { return e.name; } };
    const element = (set) => new Promise((ok, no) => {
      const script = document.createElement('script');
      script.onload = () => ok('loaded');
      script.onerror = () => ok('refused');
      try { set(script); document.body.append(script); } catch (e) { no(e); }
    });
    return {
      element: await attempt(() => element((script) => { script.src = '/demo/code'; })),
      inline: await attempt(() => { document.body.innerHTML += '<img src=x onerror="window.ran = true">'; return 'set'; }),
      imported: await attempt(() => import('/demo/code').then(() => 'loaded')),
      evaluated: await attempt(() => (0, eval)('window.ran = true')),
      parsed: await attempt(() => new DOMParser().parseFromString('<script src="/demo/code"></script>', 'text/html') && 'parsed'),
      worker: await attempt(() => { new Worker('/demo/code'); return 'started'; }),
      framed: await attempt(() => new Promise((ok) => {
        const frame = document.createElement('iframe');
        frame.onload = () => { try { ok(frame.contentDocument?.body ? 'read' : 'refused'); } catch { ok('refused'); } };
        frame.src = '/demo/hostile';
        document.body.append(frame);
      })),
      ran: window.ran === true,
    };
  });
  assert.equal(tried.ran, false, JSON.stringify(tried));
  for (const name of ['element', 'inline', 'imported', 'evaluated', 'parsed', 'worker'])
    assert.ok(!['loaded', 'set', 'parsed', 'started', true].includes(tried[name]), `${name}: ${tried[name]}`);
  assert.equal(tried.framed, 'refused');
  await dashboard.close();
});

test('signing out in the browser ends the session on the server', async () => {
  const home = await context.newPage();
  await home.goto(instance.url + '/_/');
  const cookies = await context.cookies();
  const session = cookies.find((c) => c.name === 'picloud_session');
  assert.ok(session?.httpOnly, 'the session cookie is HttpOnly');
  assert.equal(session.sameSite, 'Lax');
  await home.getByRole('button', { name: /sign out/i }).click();
  await home.waitForURL((url) => url.pathname === '/_/login');
  const replay = await fetch(instance.url + '/api/v1/whoami', {
    headers: { cookie: `picloud_session=${session.value}` },
  });
  assert.equal(replay.status, 401);
});
