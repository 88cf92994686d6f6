// People, their rights and what each of them gets to see.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { launch } from './browser.js';
import { owner, start } from './instance.js';
import { people, person } from './person.js';

let instance;
let browser;
let ada;
let users;
const all = [];

before(async () => {
  instance = await start();
  browser = await launch();
  await instance.call('POST', '/apps', { slug: 'demo' });
  await instance.call('PUT', '/apps/demo/scripts/hello', { source: '"hello"' });
  users = await people(instance, 'demo', { vera: 'viewer', edda: 'editor', noah: undefined });
  ada = await enter(owner);
});

after(async () => {
  await browser?.close();
  await instance?.stop();
});

async function enter(user, options) {
  const who = await person(browser, instance, user, options);
  all.push(who);
  return who;
}

const names = (page, role) => page.getByRole(role).allTextContents().then((texts) => texts.map((text) => text.trim()));
const tabs = (page) => page.getByRole('navigation', { name: 'App' }).getByRole('link').allTextContents();

test('an owner creates a user, who becomes a member of an app', async () => {
  const { page } = ada;
  await page.getByRole('link', { name: 'Users' }).click();
  await page.getByRole('button', { name: 'Create a user' }).click();
  await ada.accessible();
  await page.getByLabel('Username').fill('gr ace');
  await page.getByLabel('Password').fill('correct horse of grace');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await page.locator('.fault').waitFor();
  await page.getByLabel('Username').fill('grace');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await page.getByText('grace is a user now.').waitFor();
  await page.getByRole('link', { name: 'grace' }).waitFor();
  await ada.accessible();

  await ada.open('/apps/demo/members');
  await page.getByRole('button', { name: 'Add a member' }).click();
  await page.getByLabel('Username').fill('nobody');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByRole('dialog').getByText('there is no such user').waitFor();
  await page.getByLabel('Username').fill('grace');
  await page.getByLabel('Role', { exact: true }).selectOption('viewer');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByText('grace is viewer now.').waitFor();
  await page.getByRole('button', { name: 'Change role of grace' }).click();
  await page.getByLabel('Role', { exact: true }).selectOption('admin');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('grace is admin now.').waitFor();
  await ada.accessible();
  await page.getByRole('button', { name: 'Remove grace' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await page.getByText('grace is no member any more.').waitFor();
  await page.getByRole('row', { name: 'grace' }).waitFor({ state: 'detached' });
});

test('a viewer reads, and is offered nothing else', async () => {
  const vera = await enter(users.vera);
  const { page } = vera;
  assert.deepEqual(await names(page, 'button'), ['Sign out']);
  assert.equal(await page.getByRole('link', { name: 'Users' }).count(), 0);
  assert.equal(await page.getByRole('link', { name: 'Audit log' }).count(), 0);
  await page.getByRole('link', { name: 'demo' }).click();
  await page.getByRole('link', { name: 'hello' }).waitFor();
  assert.deepEqual(await tabs(page), ['Scripts', 'Logs', 'Queues', 'Topics', 'Schedules', 'Variables', 'Members', 'Deployments', 'Usage', 'Settings']);
  assert.equal(await page.getByRole('link', { name: 'New script' }).count(), 0);
  await vera.accessible();
  await page.getByRole('link', { name: 'hello' }).click();
  await page.getByText('Version 1').waitFor();
  await page.locator('.cm-content:visible', { hasText: 'hello' }).waitFor();
  assert.deepEqual(await names(page, 'button'), ['Sign out']);
  await vera.accessible();
  await page.getByRole('navigation', { name: 'Script' }).getByRole('link', { name: 'Settings' }).click();
  await page.getByLabel('Guard').waitFor();
  assert.equal(await page.getByLabel('Guard').isDisabled(), true);
  assert.deepEqual(await names(page, 'button'), ['Sign out']);
  await vera.open('/apps/demo/members');
  await page.getByRole('cell', { name: 'viewer' }).waitFor();
  assert.deepEqual(await names(page, 'button'), ['Sign out']);
  for (const path of ['/users', '/audit', '/apps/demo/kv', '/apps/demo/secrets', '/apps/demo/new']) {
    await vera.open(path);
    await page.getByRole('heading', { name: 'You may not see this' }).waitFor();
  }
  await vera.accessible();
});

test('a role counts from the next page on', async () => {
  const vera = all.at(-1);
  await instance.call('PATCH', '/apps/demo/members/vera', { role: 'editor' });
  await vera.open('/apps/demo');
  await vera.page.getByRole('link', { name: 'New script' }).waitFor();
  await instance.call('DELETE', '/apps/demo/members/vera');
  await vera.page.getByRole('link', { name: 'hello' }).click();
  await vera.page.getByRole('heading', { name: 'You may not see this' }).waitFor();
});

test('an editor deploys, and manages nobody', async () => {
  const edda = await enter(users.edda);
  const { page } = edda;
  await edda.open('/apps/demo');
  assert.deepEqual(await tabs(page), ['Scripts', 'Logs', 'Queues', 'Topics', 'Schedules', 'KV', 'Variables', 'Secrets', 'Members', 'Deployments', 'Usage', 'Settings']);
  await page.getByRole('link', { name: 'hello' }).click();
  await edda.write('"from edda"');
  await page.getByRole('button', { name: 'Deploy' }).click();
  await page.getByText('Version 2 is live.').waitFor();
  await edda.open('/apps/demo/members');
  assert.deepEqual(await names(page, 'button'), ['Sign out']);
  await edda.open('/apps/demo/settings');
  assert.equal(await page.getByLabel('Slug').isDisabled(), true);
  assert.deepEqual(await names(page, 'button'), ['Sign out']);
  await edda.accessible();
});

test('who belongs to no app is told so, and not let in by address', async () => {
  const noah = await enter(users.noah);
  await noah.page.getByText('You belong to no app yet').waitFor();
  await noah.accessible();
  for (const path of ['/apps/demo', '/apps/demo/scripts/hello', '/apps/demo/logs']) {
    await noah.open(path);
    await noah.page.getByText('may not do this').waitFor();
  }
  await noah.open('/apps/none');
  await noah.page.getByText('there is no app').waitFor();
  await noah.open('/nowhere');
  await noah.page.getByText('There is no such page.').waitFor();
});

test('an app is renamed, limited and deleted', async () => {
  const { page } = ada;
  await instance.call('POST', '/apps', { slug: 'old' });
  await instance.call('PUT', '/apps/old/scripts/x', { source: '1' });
  await ada.open('/apps/old/settings');
  await ada.accessible();
  await page.getByLabel('Slug').fill('demo');
  await page.getByRole('button', { name: 'Rename' }).click();
  await page.getByText('already exists').waitFor();
  await page.getByLabel('Slug').fill('new');
  await page.getByRole('button', { name: 'Rename' }).click();
  await page.waitForURL('**/_/apps/new/settings');
  await page.getByLabel('Operations').fill('5000');
  await page.getByRole('button', { name: 'Save limits' }).click();
  await page.getByText('The settings are saved').waitFor();
  assert.deepEqual((await instance.call('GET', '/apps/new')).limits, { operations: 5000 });
  await page.getByLabel('Networks that are not public').fill('nonsense');
  await page.getByRole('button', { name: 'Save open networks' }).click();
  await page.locator('.fault').waitFor();

  await page.getByRole('button', { name: 'Delete new' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('alert').waitFor();
  await page.getByLabel('Also if it holds scripts').check();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.waitForURL('**/_/');
  await page.getByRole('heading', { name: 'Apps' }).waitFor();
  assert.equal(await page.getByRole('link', { name: 'new', exact: true }).count(), 0);
});

test("an API key's token is shown once, and works", async () => {
  const { page } = ada;
  await page.getByRole('link', { name: 'ada' }).click();
  await page.getByRole('button', { name: 'Mint an API key' }).click();
  await ada.accessible();
  await page.getByLabel('Name').fill('ci');
  await page.getByRole('button', { name: 'Mint', exact: true }).click();
  const box = page.getByRole('group', { name: 'New token' });
  const token = (await box.locator('pre').textContent()).trim();
  assert.match(token, /^pic_/);
  const answer = await fetch(`${instance.url}/api/v1/whoami`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal((await answer.json()).api_key.name, 'ci');
  await ada.accessible();
  await page.reload();
  await page.getByRole('row', { name: 'ci' }).waitFor();
  assert.equal((await page.content()).includes(token), false, 'the token is not shown again');
  await page.getByRole('button', { name: 'End ci' }).click();
  await page.getByRole('button', { name: 'End it' }).click();
  await page.getByText('The key ci has ended.').waitFor();
  assert.equal((await fetch(`${instance.url}/api/v1/whoami`, { headers: { authorization: `Bearer ${token}` } })).status, 401);
});

test('sessions are listed and ended; whoever had one signs in again and comes back', async () => {
  const edda = await enter(users.edda);
  await edda.open('/apps/demo/members');
  await ada.open('/users/edda');
  await ada.accessible();
  await ada.page.getByRole('button', { name: 'End all sessions' }).click();
  await ada.page.getByRole('button', { name: 'End them' }).click();
  await ada.page.getByText('All sessions of edda have ended.').waitFor();
  await edda.page.getByRole('link', { name: 'Logs' }).click();
  await edda.page.waitForURL(/\/_\/login\?next=/);
  await edda.page.fill('#username', users.edda.username);
  await edda.page.fill('#password', users.edda.password);
  await edda.page.keyboard.press('Enter');
  await edda.page.waitForURL('**/_/apps/demo/**');
});

test('a password is changed', async () => {
  const { page } = all.at(-1);
  await page.getByRole('link', { name: 'edda' }).click();
  await page.getByLabel('Current password').fill('wrong');
  await page.getByLabel('New password').fill('another correct horse');
  await page.getByRole('button', { name: 'Change the password' }).click();
  await page.getByText('this is not your password').waitFor();
  await page.getByLabel('Current password').fill(users.edda.password);
  await page.getByRole('button', { name: 'Change the password' }).click();
  await page.getByText('Your password is changed').waitFor();
  await instance.call('POST', '/sessions', { username: 'edda', password: 'another correct horse' });
});

test('the audit log is filtered and exported', async () => {
  const { page } = ada;
  await page.getByRole('link', { name: 'Audit log' }).click();
  await page.getByRole('row', { name: 'changePassword' }).first().waitFor();
  await ada.accessible();
  await page.getByLabel('User', { exact: true }).fill('edda');
  await page.getByLabel('Action').fill('deployScript');
  await page.getByRole('button', { name: 'Show', exact: true }).click();
  await page.waitForURL(/user=edda/);
  const rows = page.locator('tbody tr');
  await page.getByRole('row', { name: 'changePassword' }).first().waitFor({ state: 'detached' });
  assert.equal(await rows.count(), 1);
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Export' }).click()]);
  const lines = readFileSync(await download.path(), 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(lines.map(({ username, action, object }) => [username, action, object]), [['edda', 'deployScript', 'apps/demo/scripts/hello']]);
});

test('it fits a small screen, in the dark, and works by keyboard', async () => {
  const small = await enter(owner, { viewport: { width: 360, height: 640 }, colorScheme: 'dark' });
  const { page } = small;
  for (const path of ['/', '/apps/demo', '/apps/demo/scripts/hello', '/apps/demo/logs', '/apps/demo/members', '/apps/demo/settings', '/users', '/users/edda', '/account', '/audit']) {
    await small.open(path);
    await small.accessible();
  }
  await small.open('/');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the content');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Create an app');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Create an app', 'the keyboard is where it was');
});

test('nothing was refused by the policy, and nothing broke', () => {
  assert.deepEqual(all.flatMap((who) => who.complaints), []);
});
