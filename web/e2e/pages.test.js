// Set-up, sign-in and sign-out, as a person does them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AxeBuilder } from '@axe-core/playwright';
import { launch, patience } from './browser.js';
import { owner, start } from './instance.js';

let instance;
let browser;
let page;
const complaints = [];

before(async () => {
  instance = await start({ withOwner: false });
  browser = await launch();
  page = await (await browser.newContext()).newPage();
  page.setDefaultTimeout(patience);
  // A text that the policy does not name shows up here, and so does a broken script.
  page.on('console', (m) => m.type() === 'error' && !/status of 4/.test(m.text()) && complaints.push(m.text()));
  page.on('pageerror', (e) => complaints.push(String(e)));
});

after(async () => {
  await browser?.close();
  await instance?.stop();
});

async function accessible() {
  const { violations } = await new AxeBuilder({ page }).analyze();
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html)}`), []);
}

test('the set-up link makes the owner and signs in', async () => {
  const link = instance.output().match(/http:\S+\/_\/setup#\S+/)?.[0];
  assert.ok(link, instance.output());
  await page.goto(link);
  assert.equal(await page.locator('#token').isVisible(), false, 'the token came with the link');
  assert.equal(page.url(), `${instance.url}/_/setup`, 'the token is no longer in the address');
  await accessible();

  await page.fill('#username', 'a b');
  await page.fill('#password', owner.password);
  await page.click('button');
  await page.waitForSelector('[role=alert]');
  assert.match(await page.textContent('[role=alert]'), /letters a-z/);
  await accessible();
  // The token is still there: nothing has to be copied again.
  assert.equal(await page.locator('#token').isVisible(), false);
  await page.fill('#username', owner.username);
  await page.fill('#password', owner.password);
  await page.click('button');
  await page.waitForURL(`${instance.url}/_/`);
  await page.waitForSelector('h1:text("Apps")');
  assert.match(await page.textContent('header'), /ada/);
  await accessible();
});

test('signing out and in', async () => {
  await page.goto(`${instance.url}/_/`);
  await page.click('text=Sign out');
  await page.waitForURL(`${instance.url}/_/login`);
  await page.goto(`${instance.url}/_/`);
  assert.equal(page.url(), `${instance.url}/_/login`);
  await accessible();

  assert.equal(await page.evaluate(() => document.activeElement.id), 'username', 'the keyboard is at the first field');
  await page.keyboard.type(owner.username);
  await page.keyboard.press('Tab');
  await page.keyboard.type('wrong password');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[role=alert]');
  assert.match(await page.textContent('[role=alert]'), /wrong username or password/);
  assert.equal(await page.inputValue('#username'), owner.username);
  await accessible();

  await page.fill('#password', owner.password);
  await page.keyboard.press('Enter');
  await page.waitForURL(`${instance.url}/_/`);
  const [cookie] = await page.context().cookies();
  assert.deepEqual(
    { name: cookie.name, httpOnly: cookie.httpOnly, sameSite: cookie.sameSite, path: cookie.path },
    { name: 'picloud_session', httpOnly: true, sameSite: 'Lax', path: '/' },
  );
});

// A database has one first start.
const shared = process.env.PICLOUD_DATABASE_URL ? 'needs a database of its own' : false;

test('without a link the token can be typed', { skip: shared }, async () => {
  const fresh = await start({ withOwner: false });
  try {
    const other = await (await browser.newContext()).newPage();
    await other.goto(`${fresh.url}/_/`);
    assert.equal(other.url(), `${fresh.url}/_/setup`);
    const token = fresh.output().match(/\/_\/setup#(\S+)/)[1];
    await other.fill('#token', token);
    await other.fill('#username', owner.username);
    await other.fill('#password', owner.password);
    await other.click('button');
    await other.waitForURL(`${fresh.url}/_/`);
  } finally {
    await fresh.stop();
  }
});

test('nothing was refused by the policy', () => {
  assert.deepEqual(complaints, []);
});
