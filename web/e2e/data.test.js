// What scripts work on: keys, variables, secrets, and the messages that start them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from './browser.js';
import { start } from './instance.js';
import { people, person } from './person.js';

let instance;
let browser;
let edda;
let page;

before(async () => {
  instance = await start();
  browser = await launch();
  await instance.call('POST', '/apps', { slug: 'shop' });
  const deploy = (name, source, endpoint) => instance.call('PUT', `/apps/shop/scripts/${name}`, { source, endpoint });
  await deploy('order', 'kv::set("order/1", #{ total: 3.5, paid: true }); queue::send("emails", #{ to: "nobody" }); "ok"', true);
  await deploy('mailer', 'if kv::get("fixed") == () { throw "no address"; } kv::set("sent", event.payload.to);', false);
  edda = await person(browser, instance, (await people(instance, 'shop', { edda: 'editor' })).edda);
  page = edda.page;
});

after(async () => {
  await browser?.close();
  await instance?.stop();
});

// until waits for what PiCloud does by itself, and asks again as long as it has not.
async function until(question) {
  for (;;) {
    const answer = await question();
    if (answer) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('keys are read, set, edited and deleted', async () => {
  await fetch(`${instance.url}/shop/order`);
  await edda.open('/apps/shop/kv');
  await page.getByRole('row', { name: 'order/1' }).getByText('{"paid":true,"total":3.5}').waitFor();
  await edda.accessible();
  await page.getByRole('button', { name: 'Set a key' }).click();
  await page.getByLabel('Key', { exact: true }).fill('greeting');
  await page.getByLabel('Value').fill('hello');
  await page.getByRole('button', { name: 'Set', exact: true }).click();
  await page.getByText('This is no JSON').waitFor();
  await edda.accessible();
  await page.getByLabel('Value').fill('"hello"');
  await page.getByRole('button', { name: 'Set', exact: true }).click();
  await page.getByText('greeting is set.').waitFor();
  await page.getByRole('button', { name: 'Edit greeting' }).click();
  assert.equal(await page.getByLabel('Value').inputValue(), '"hello"');
  await page.getByLabel('Value').fill('42');
  await page.getByRole('button', { name: 'Set', exact: true }).click();
  await page.getByRole('row', { name: 'greeting' }).getByText('42', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Edit greeting' }).click();
  await page.getByLabel('Value').fill('[42.0, 9223372036854775807]');
  await page.getByRole('button', { name: 'Set', exact: true }).click();
  await page.getByRole('row', { name: 'greeting' }).getByText('[42.0,9223372036854775807]').waitFor();
  await page.getByRole('button', { name: 'Edit greeting' }).click();
  assert.equal(await page.getByLabel('Value').inputValue(), '[\n  42.0,\n  9223372036854775807\n]');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByLabel('Keys that begin with').fill('gr');
  await page.getByRole('button', { name: 'Show', exact: true }).click();
  await page.getByRole('row', { name: 'order/1' }).waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Delete greeting' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByText('There are no keys like that.').waitFor();
});

test('a variable is set, changed and deleted', async () => {
  await edda.open('/apps/shop/variables');
  await page.getByRole('button', { name: 'Set a variable' }).click();
  await page.getByLabel('Name').fill('not a name');
  await page.getByLabel('Value').fill('x');
  await page.getByRole('button', { name: 'Set', exact: true }).click();
  await page.locator('.fault').waitFor();
  await page.getByLabel('Name').fill('GREETING');
  await page.getByRole('button', { name: 'Set', exact: true }).click();
  await page.getByText('GREETING is set').waitFor();
  await edda.accessible();
  await page.getByRole('button', { name: 'Change GREETING' }).click();
  await page.getByLabel('Value').fill('good day');
  await page.getByRole('button', { name: 'Set', exact: true }).click();
  await page.getByRole('cell', { name: 'good day' }).waitFor();
  assert.equal((await instance.call('GET', '/apps/shop/variables/GREETING')).value, 'good day');
  await page.getByRole('button', { name: 'Delete GREETING' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByText('There are none.').waitFor();
});

test('a list goes on where a page ends', async () => {
  const values = Object.fromEntries(Array.from({ length: 105 }, (_, i) => [`MANY_${String(i).padStart(3, '0')}`, String(i)]));
  await instance.call('POST', '/apps/shop/variables', { values });
  await edda.open('/apps/shop/variables');
  const rows = page.locator('tbody tr');
  assert.equal(await rows.count(), 100);
  await page.getByRole('button', { name: 'Show more' }).click();
  await page.getByRole('row', { name: 'MANY_104' }).waitFor();
  assert.equal(await rows.count(), 105);
  assert.equal(await page.getByRole('button', { name: 'Show more' }).count(), 0);
});

test('a secret is set and never shown', async () => {
  await edda.open('/apps/shop/secrets');
  await page.getByRole('button', { name: 'Set a secret' }).click();
  await page.getByLabel('Name').fill('API_TOKEN');
  await page.getByLabel('Value').fill('very secret indeed');
  await page.getByRole('button', { name: 'Set', exact: true }).click();
  await page.getByText('API_TOKEN is set').waitFor();
  await edda.accessible();
  await page.getByRole('button', { name: 'Set anew API_TOKEN' }).click();
  assert.equal(await page.getByLabel('Value').inputValue(), '');
  await page.keyboard.press('Escape');
  await page.reload();
  await page.getByRole('row', { name: 'API_TOKEN' }).waitFor();
  assert.equal((await page.content()).includes('very secret'), false);
  await page.getByRole('button', { name: 'Delete API_TOKEN' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByText('There are none.').waitFor();
});

test('a dead letter is looked at and delivered again', async () => {
  await edda.open('/apps/shop/queues');
  await page.getByRole('row', { name: 'emails' }).getByText('nobody consumes it').waitFor();
  await page.getByRole('button', { name: 'Consume emails' }).click();
  await page.getByRole('textbox', { name: 'Script' }).fill('none');
  await page.getByText('Delivery', { exact: true }).click();
  await page.getByLabel('Attempts').fill('1');
  await edda.accessible();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.locator('.fault').waitFor();
  await page.getByRole('textbox', { name: 'Script' }).fill('mailer');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('emails starts mailer.').waitFor();
  await until(async () => (await instance.call('GET', '/apps/shop/queues/emails')).state.dead === 1);
  await page.getByRole('button', { name: 'Refresh', exact: true }).click();
  await page.getByRole('button', { name: 'Messages of emails' }).click();
  await page.locator('.executions summary').first().click();
  await page.getByText('no address').waitFor();
  await edda.accessible();
  await instance.call('PUT', '/apps/shop/kv/entry?key=fixed', { value: true });
  await page.getByRole('button', { name: 'Redrive all' }).click();
  await page.getByText('1 dead letter will be delivered again.').waitFor();
  await until(async () => (await instance.call('GET', '/apps/shop/kv?prefix=sent')).items.length === 1);
});

test('a message is sent, a queue paused and released', async () => {
  await page.getByRole('button', { name: 'Pause emails' }).click();
  await page.getByText('emails is paused.').waitFor();
  await page.getByRole('button', { name: 'Send a message to emails' }).click();
  await page.getByLabel('Payload').fill('{"to": "bob"}');
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await page.getByText('is sent to emails.').waitFor();
  assert.equal((await instance.call('GET', '/apps/shop/queues/emails')).state.ready, 1);
  await page.getByLabel('State').selectOption('ready');
  await page.getByRole('button', { name: 'Delete all' }).click();
  await page.getByRole('button', { name: 'Delete them' }).click();
  await page.getByText('1 message deleted.').waitFor();
  await page.getByRole('button', { name: 'Resume emails' }).click();
  await page.getByText('emails goes on.').waitFor();
  await page.getByRole('button', { name: 'Release emails' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Release' }).click();
  await page.getByText('emails starts mailer no more.').waitFor();
});

test('a subscription gets what is published', async () => {
  await instance.call('PUT', '/apps/shop/scripts/paid', { source: 'kv::set("paid", event.payload);', endpoint: false });
  await edda.open('/apps/shop/topics');
  await page.getByRole('button', { name: 'New subscription' }).click();
  await page.getByLabel('Name').fill('books');
  await page.getByLabel('Pattern').fill('orders.*');
  await page.getByRole('textbox', { name: 'Script' }).fill('paid');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('books starts paid.').waitFor();
  await edda.accessible();
  await page.getByRole('button', { name: 'Publish' }).click();
  await page.getByLabel('Topic').fill('orders.paid');
  await page.getByLabel('Payload').fill('7');
  await page.getByRole('dialog').getByRole('button', { name: 'Publish' }).click();
  await page.getByText('orders.paid went to books.').waitFor();
  await until(async () => (await instance.call('GET', '/apps/shop/kv?prefix=paid')).items[0]?.value === 7);
});

test('a schedule is made, run now, paused and edited without losing anything', async () => {
  await edda.open('/apps/shop/schedules');
  await page.getByRole('button', { name: 'New schedule' }).click();
  await page.getByLabel('Name').fill('nightly');
  await page.getByLabel('When').fill('every night');
  await page.getByRole('textbox', { name: 'Script' }).fill('paid');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.locator('.fault').waitFor();
  await page.getByLabel('When').fill('0 3 * * *');
  await page.getByLabel('Time zone').fill('Europe/Berlin');
  await page.getByLabel('Jitter in milliseconds').fill('1500');
  assert.equal(await page.getByLabel('Batch size').count(), 0);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('nightly starts paid.').waitFor();
  await edda.accessible();
  await page.getByRole('button', { name: 'Edit nightly' }).click();
  await page.getByLabel('When').fill('0 4 * * *');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('cell', { name: '0 4 * * *' }).waitFor();
  const schedule = await instance.call('GET', '/apps/shop/schedules/nightly');
  assert.deepEqual([schedule.cron, schedule.timezone, schedule.jitter_ms], ['0 4 * * *', 'Europe/Berlin', 1500]);
  await page.getByRole('button', { name: 'Run now nightly' }).click();
  await page.getByText('nightly runs now.').waitFor();
  await page.getByRole('button', { name: 'Pause nightly' }).click();
  await page.getByText('nightly is paused.').waitFor();
});

test('a KV trigger is made and deleted', async () => {
  await edda.open('/apps/shop/kv');
  await page.getByRole('button', { name: 'New KV trigger' }).click();
  await page.getByLabel('Name').fill('orders');
  await page.getByLabel('Prefix').fill('order/');
  await page.getByRole('textbox', { name: 'Script' }).fill('paid');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('orders starts paid.').waitFor();
  await edda.accessible();
  await page.getByRole('button', { name: 'Delete orders' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByText('There are no KV triggers yet.').waitFor();
});

test('deployments say what changed', async () => {
  await edda.open('/apps/shop/deployments');
  await page.getByRole('button', { name: /^Show deployment/ }).first().click();
  await page.getByText('schedule nightly (0 4 * * *) starts paid').waitFor();
  await edda.accessible();
});

test('usage says how much there is and how much there may be', async () => {
  await instance.call('PUT', '/apps/shop/kv/entry?key=large', { value: 'x'.repeat(3 * 1024) });
  const { kv, messages } = await instance.call('GET', '/apps/shop/usage');
  await edda.open('/apps/shop/usage');
  await page.getByRole('row', { name: /^Keys/ }).getByText(`${kv.count}`, { exact: true }).waitFor();
  await page.getByRole('row', { name: /^Keys/ }).getByText(/^[3-9](\.\d)? KiB of 1 GiB$/).waitFor();
  await page.getByRole('row', { name: /^Messages/ }).getByText(`${messages.count} of 1,000,000`).waitFor();
  await page.getByRole('row', { name: /^Idempotency keys/ }).getByText('0 of 1,000,000').waitFor();
  await edda.accessible();
});

test('a fault in a closed group is shown, and nothing is made over what is there', async () => {
  await edda.open('/apps/shop/schedules');
  await page.getByRole('button', { name: 'New schedule' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('beside');
  await dialog.getByLabel('When').fill('@daily');
  await dialog.getByLabel('Script').fill('mailer');
  await dialog.getByLabel('If the last run is not done').selectOption('allow');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('beside starts mailer.').waitFor();
  await page.getByRole('button', { name: 'New schedule' }).click();
  await dialog.getByLabel('Name').fill('beside');
  await dialog.getByLabel('When').fill('@hourly');
  await dialog.getByLabel('Script').fill('mailer');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByText('There is a schedule beside already').waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'Edit beside' }).click();
  await dialog.getByLabel('If the last run is not done').selectOption('skip');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByText('a schedule runs once at a time unless').waitFor();
  await dialog.getByLabel('Concurrency').fill('-1');
  await dialog.locator('summary').click();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.waitForFunction(() => document.activeElement?.name === 'concurrency');
  await dialog.getByLabel('Concurrency').fill('');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'hidden' });
  await instance.call('DELETE', '/apps/shop/schedules/beside');
});

test('a long list stays where it was, and what happens is in sight', async () => {
  const inSight = (locator) => locator.evaluate((at) => at.getBoundingClientRect().top >= 0 && at.getBoundingClientRect().top < innerHeight);
  await instance.call('POST', '/apps', { slug: 'long' });
  await instance.call('PUT', '/apps/long/scripts/mailer', { source: '1', endpoint: false });
  await instance.call('POST', '/apps/long/members', { username: 'edda', role: 'editor' });
  const values = Object.fromEntries(Array.from({ length: 130 }, (_, i) => [`V${1000 + i}`, 'x']));
  await instance.call('POST', '/apps/long/variables', { values });
  for (let i = 0; i < 130; i++) await instance.call('PUT', `/apps/long/queues/q${1000 + i}`, { script: 'mailer' });

  await edda.open('/apps/long/queues');
  await page.getByRole('button', { name: 'Show more' }).click();
  await page.getByRole('button', { name: 'Pause q1120' }).click();
  const said = page.getByText('q1120 is paused.');
  await said.waitFor();
  await page.getByRole('row', { name: 'q1120' }).getByText('paused').waitFor();
  assert.equal(await page.getByRole('row').count(), 131);
  assert.ok(await inSight(said));
  await page.getByRole('button', { name: 'Messages of q1002' }).click();
  await page.getByText('There are none.').waitFor();
  await page.waitForFunction(() => document.activeElement?.textContent === 'Messages of q1002');
  assert.ok(await inSight(page.getByRole('heading', { name: 'Messages of q1002' })));

  await edda.open('/apps/long/variables');
  await page.getByRole('button', { name: 'Show more' }).click();
  await page.getByRole('button', { name: 'Delete V1120' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByText('V1120 is deleted.').waitFor();
  await page.getByRole('row', { name: 'V1120' }).waitFor({ state: 'detached' });
  assert.equal(await page.getByRole('row').count(), 130);
});

test('it fits a small screen in the dark', async () => {
  await page.setViewportSize({ width: 360, height: 640 });
  await page.emulateMedia({ colorScheme: 'dark' });
  for (const room of ['kv', 'variables', 'secrets', 'queues', 'topics', 'schedules', 'deployments', 'usage']) {
    await edda.open(`/apps/shop/${room}`);
    await edda.accessible();
  }
});

test('nothing was refused by the policy, and nothing broke', () => assert.deepEqual(edda.complaints, []));
