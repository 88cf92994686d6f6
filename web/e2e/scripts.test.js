// An app and its scripts, from the first to the last click.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from './browser.js';
import { owner, start } from './instance.js';
import { person } from './person.js';

let instance;
let browser;
let ada;
let page;

before(async () => {
  instance = await start();
  browser = await launch();
  ada = await person(browser, instance, owner);
  page = ada.page;
});

after(async () => {
  await browser?.close();
  await instance?.stop();
});

test('an app is created, and a wrong slug is shown at its field', async () => {
  await ada.accessible();
  await page.getByRole('button', { name: 'Create an app' }).click();
  await page.getByLabel('Slug').fill('My App');
  await ada.accessible();
  await page.keyboard.press('Enter');
  await page.getByText("contains 'M'").waitFor();
  assert.equal(await page.getByLabel('Slug').inputValue(), 'My App', 'what was typed is still there');
  assert.equal(await page.evaluate(() => document.activeElement.name), 'slug', 'the keyboard is at the wrong field');
  await ada.accessible();
  await page.getByLabel('Slug').fill('demo');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/_/apps/demo');
  await page.getByText('This app has no scripts yet').waitFor();
  await ada.accessible();
});

test('a script that does not compile is shown where; then it is deployed', async () => {
  await page.getByRole('link', { name: 'New script' }).click();
  await page.getByLabel('Name').fill('hello');
  await ada.write('let a = 1;\nlet b = (a + ;');
  await page.getByRole('button', { name: 'Deploy' }).click();
  await page.getByRole('alert').waitFor();
  assert.match(await page.getByRole('alert').textContent(), /does not compile.*line 2/);
  await page.locator('.cm-lint-marker-error').waitFor();
  await ada.accessible();
  await ada.write('log::info("asked");\n`Hello, ${request.query.name ?? "world"}!`');
  await page.getByRole('button', { name: 'Deploy' }).click();
  await page.waitForURL('**/_/apps/demo/scripts/hello');
  await page.getByText('Version 1', { exact: true }).waitFor();
  assert.equal(await (await fetch(`${instance.url}/demo/hello?name=Ada`)).text(), 'Hello, Ada!');
  await ada.accessible();
});

test('an endpoint is invoked', async () => {
  await page.getByRole('link', { name: 'Invoke' }).click();
  await page.getByLabel('What follows').fill('?name=Bob');
  await page.getByLabel('Headers').fill('no header');
  await page.getByRole('button', { name: 'Invoke' }).click();
  await page.getByText('is no header').waitFor();
  await page.getByLabel('Headers').fill('x-test: 1');
  await page.getByRole('button', { name: 'Invoke' }).click();
  await page.getByText('Hello, Bob!').waitFor();
  await ada.accessible();
});

test('logs are shown, and followed while they come', async () => {
  await page.getByRole('navigation', { name: 'Script' }).getByRole('link', { name: 'Logs' }).click();
  const rows = page.locator('.executions > li');
  await rows.first().waitFor();
  await rows.first().locator('summary').click();
  await rows.first().getByText('asked').waitFor();
  await ada.accessible();
  await page.getByRole('checkbox', { name: 'Follow' }).check();
  await page.getByText('Following.').waitFor();
  const shown = await rows.count();
  await fetch(`${instance.url}/demo/hello?name=Followed`);
  await rows.nth(shown).waitFor();
  await page.getByRole('checkbox', { name: 'Follow' }).uncheck();
});

test('a new version is deployed, and the first one activated again', async () => {
  await page.getByRole('link', { name: 'Source' }).click();
  await ada.write('"changed"');
  await page.getByText('Changed since version 1').waitFor();
  await page.getByRole('button', { name: 'Deploy' }).click();
  await page.getByText('Version 2 is live.').waitFor();
  assert.equal(await (await fetch(`${instance.url}/demo/hello`)).text(), 'changed');

  await page.getByRole('link', { name: 'Versions' }).click();
  await page.getByRole('button', { name: 'Show version 1' }).click();
  await page.getByRole('heading', { name: 'Version 1' }).waitFor();
  await ada.accessible();
  await page.getByRole('button', { name: 'Activate version 1' }).click();
  await page.getByText('Version 1 is live.').waitFor();
  assert.equal(await (await fetch(`${instance.url}/demo/hello`)).text(), 'Hello, world!');
  await page.getByRole('link', { name: 'Source' }).click();
  await page.locator('.cm-content:visible', { hasText: 'Hello' }).waitFor();
});

test('what somebody else deployed meanwhile is not overwritten unasked', async () => {
  await ada.write('"mine"');
  await instance.call('PUT', '/apps/demo/scripts/hello', { source: '"theirs"' });
  await page.getByRole('button', { name: 'Deploy' }).click();
  await page.getByText('was made active while you edited').waitFor();
  assert.equal(await (await fetch(`${instance.url}/demo/hello`)).text(), 'theirs');
  await page.getByRole('button', { name: 'Deploy' }).click();
  await page.getByText('Version 4 is live.').waitFor();
  assert.equal(await (await fetch(`${instance.url}/demo/hello`)).text(), 'mine');
});

test('a request that fails loses nothing', async () => {
  await ada.write('"not lost"');
  await page.route('**/api/v1/**', (route) => route.abort());
  await page.getByRole('button', { name: 'Deploy' }).click();
  await page.getByText('PiCloud cannot be reached').waitFor();
  await page.unroute('**/api/v1/**');
  await page.locator('.cm-content:visible', { hasText: 'not lost' }).waitFor();
  await page.getByRole('button', { name: 'Deploy' }).click();
  await page.getByText('Version 5 is live.').waitFor();
});

test('a session that ends while one edits costs nothing', async () => {
  await ada.write('"still here"');
  await instance.call('DELETE', '/sessions?user=ada');
  await page.getByRole('button', { name: 'Deploy' }).click();
  await page.getByText('You are not signed in any more.').waitFor();
  const tab = await page.context().newPage();
  await tab.goto(`${instance.url}/_/login`);
  await tab.fill('#username', owner.username);
  await tab.fill('#password', owner.password);
  await tab.keyboard.press('Enter');
  await tab.waitForURL(`${instance.url}/_/`);
  await tab.close();
  await page.getByRole('button', { name: 'Deploy' }).click();
  await page.getByText('Version 6 is live.').waitFor();
});

test('leaving with a change that is not deployed asks first', async () => {
  await ada.write('"unsaved"');
  page.once('dialog', (dialog) => dialog.dismiss());
  await page.getByRole('link', { name: 'PiCloud' }).click();
  assert.match(page.url(), /scripts\/hello/);
  await page.getByRole('button', { name: 'Discard changes' }).click();
  await page.getByText('Version 6', { exact: true }).waitFor();
});

test('a guard and a rate are set', async () => {
  await page.getByRole('link', { name: 'Settings' }).last().click();
  await page.getByLabel('Guard').selectOption('hmac');
  await page.getByLabel('Secret', { exact: true }).fill('NONE');
  await ada.accessible();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('a required secret is missing').waitFor();
  await page.getByLabel('Guard').selectOption('api-key');
  await page.getByLabel('Rate: requests').fill('10');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('The settings are saved').waitFor();
  assert.equal((await fetch(`${instance.url}/demo/hello`)).status, 401);
  const script = await instance.call('GET', '/apps/demo/scripts/hello');
  assert.deepEqual([script.guard.kind, script.rate], ['api-key', { requests: 10, seconds: 60 }]);
});

test('a library has no endpoint, and is deleted', async () => {
  await instance.call('PUT', '/apps/demo/scripts/pricing', { source: 'fn double(x) { x * 2 }', endpoint: false });
  await ada.open('/apps/demo');
  await ada.accessible();
  await page.getByRole('link', { name: 'pricing' }).click();
  await page.getByRole('heading', { name: 'pricing' }).waitFor();
  assert.equal(await page.getByRole('link', { name: 'Invoke' }).count(), 0);
  await page.getByRole('button', { name: 'Delete pricing' }).click();
  await ada.accessible();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.waitForURL('**/_/apps/demo');
  await page.getByRole('link', { name: 'hello' }).waitFor();
  assert.equal(await page.getByRole('link', { name: 'pricing' }).count(), 0);
});

test('nothing was refused by the policy, and nothing broke', () => {
  // The request that was made to fail is noted by the browser.
  assert.deepEqual(ada.complaints.filter((text) => !/net::ERR_FAILED/.test(text)), []);
});
