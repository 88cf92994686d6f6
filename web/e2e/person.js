// Somebody who uses the dashboard: a browser of their own, signed in, and an eye
// for what the content policy refused and what axe finds.
import assert from 'node:assert/strict';
import { AxeBuilder } from '@axe-core/playwright';
import { patience } from './browser.js';

export async function person(browser, instance, { username, password }, options = {}) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  const complaints = [];
  // The browser notes each answer of 4xx; those are looked at where they are expected.
  page.on('console', (m) => m.type() === 'error' && !/status of 4\d\d/.test(m.text()) && complaints.push(m.text()));
  page.on('pageerror', (e) => complaints.push(String(e)));

  await page.goto(`${instance.url}/_/login`);
  await page.fill('#username', username);
  await page.fill('#password', password);
  await page.keyboard.press('Enter');
  await page.waitForURL(`${instance.url}/_/`);
  await page.getByRole('heading', { level: 1 }).waitFor();

  return {
    page,
    complaints,
    async open(path) {
      await page.goto(`${instance.url}/_${path}`);
      await page.getByRole('heading', { level: 1 }).waitFor();
    },
    // write replaces what stands in the visible editor.
    async write(text) {
      await page.locator('.cm-content:visible').first().focus();
      await page.keyboard.press('ControlOrMeta+a');
      await page.keyboard.press('Delete');
      await page.keyboard.insertText(text);
    },
    // accessible fails with what axe finds, and when the page is wider than the screen.
    async accessible() {
      const { violations } = await new AxeBuilder({ page }).analyze();
      assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.html} ${n.failureSummary}`)}`), []);
      const [wide, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(wide <= screen, `the page is ${wide} px wide on a screen of ${screen}`);
    },
    close: () => context.close(),
  };
}

// people makes users and puts them into an app; each is a name and a role there,
// or none.
export async function people(instance, app, roles) {
  const made = {};
  for (const [username, role] of Object.entries(roles)) {
    made[username] = { username, password: `correct horse of ${username}` };
    await instance.call('POST', '/users', made[username]);
    if (role) await instance.call('POST', `/apps/${app}/members`, { username, role });
  }
  return made;
}
