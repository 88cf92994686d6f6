import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { StringStream } from '@codemirror/language';
import { close, load } from './modules.js';

const { Refusal, address, may } = await load('/src/lib/api/api.ts');
const { parser } = await load('/src/lib/editor/rhai.ts');
const { filterOf } = await load('/src/lib/people/audit.ts');
const { asJSON, becomesText } = await load('/src/lib/json.ts');
const { read, write } = await load('/src/lib/exact.ts');
after(close);

// tokens returns what lines are coloured as: "keyword:let", without what is plain.
function tokens(...lines) {
  const state = parser.startState();
  return lines.flatMap((text) => {
    const stream = new StringStream(text, 4, 4);
    const found = [];
    while (!stream.eol()) {
      stream.start = stream.pos;
      const kind = parser.token(stream, state);
      if (kind && kind !== 'bracket' && kind !== 'operator') found.push(`${kind}:${stream.current()}`);
    }
    return found;
  });
}

test('Rhai is coloured', () => {
  assert.deepEqual(tokens('let x = 0x1f + 1_000.5e3; // all'), ['keyword:let', 'variableName:x', 'number:0x1f', 'number:1_000.5e3', 'comment:// all']);
  assert.deepEqual(tokens('kv::set("a\\"b", true)'), ['namespace:kv', 'variableName.function:set', 'string:"a\\"b"', 'atom:true']);
  assert.deepEqual(tokens('1..2'), ['number:1', 'number:2'], 'a range is no fraction');
  assert.deepEqual(tokens('#"a "quoted" b"# + c'), ['string:#"a "quoted" b"#', 'variableName:c']);
});

test('comments nest and go over lines', () => {
  assert.deepEqual(tokens('/* a /* b */', 'still */ if'), ['comment:/* a /* b */', 'comment:still */', 'keyword:if']);
});

test('templates hold expressions, with templates and blocks in them', () => {
  assert.deepEqual(tokens('`a ${ if b { `c ${d}` } } e` f'), [
    'string:`a ', 'keyword:if', 'variableName:b', 'string:`c ', 'variableName:d', 'string:`', 'string: e`', 'variableName:f',
  ]);
  assert.deepEqual(tokens('`first', 'second` let'), ['string:`first', 'string:second`', 'keyword:let']);
});

test('an address holds what it is given, escaped', () => {
  assert.equal(address('getScript', { app: 'demo', script: 'a/b c' }), '/api/v1/apps/demo/scripts/a%2Fb%20c');
  assert.equal(address('listKV', { app: 'demo' }, { prefix: 'a&b', after: undefined, limit: 5 }), '/api/v1/apps/demo/kv?prefix=a%26b&limit=5');
  assert.equal(address('deleteApp', { app: 'demo' }, { force: false }), '/api/v1/apps/demo');
});

test('an operation is allowed by the permission that the document names', () => {
  assert.equal(may({ permissions: ['scripts.change'] }, 'deployScript'), true);
  assert.equal(may({ permissions: ['scripts.view'] }, 'deployScript'), false);
});

test('a refusal knows its fields and speaks plainly', () => {
  const refused = new Refusal(422, {
    detail: 'body.guard.secret: there is no secret X',
    errors: [{ location: 'body.guard.secret', message: 'there is no secret X' }],
  });
  assert.equal(refused.message, 'there is no secret X');
  assert.equal(refused.fault('guard.secret'), 'there is no secret X');
  assert.equal(refused.fault('guard'), 'there is no secret X', 'what is inside counts');
  assert.equal(refused.fault('secret'), undefined);
  assert.equal(new Refusal(422, { errors: [{ location: 'body.origins[1]', message: 'no origin' }] }).fault('origins'), 'no origin');
  assert.equal(new Refusal(429, { detail: 'too many attempts.' }, 5).message, 'too many attempts. Try again in 5 s.');
  assert.equal(new Refusal(502, {}).message, 'PiCloud answered with the status 502.');
});

test('what is no JSON is refused at its field', () => {
  assert.deepEqual(asJSON('{"a": [1]}'), { a: [1] });
  assert.throws(() => asJSON('hello', 'payload'), (refused) => /no JSON/.test(refused.fault('payload')));
});

test("the audit log's filter comes from the address", () => {
  const filter = filterOf(new URLSearchParams('user=ada&app=&refused=true&since=2026-05-04T03:02&until=nonsense'));
  assert.deepEqual([filter.user, filter.app, filter.refused, filter.until], ['ada', undefined, true, undefined]);
  assert.equal(filter.since, new Date('2026-05-04T03:02').toISOString());
});

test('numbers stay as they are written', () => {
  for (const text of ['1.0', '1', '-0', '9223372036854775807', '-9007199254740993', '1e400', '[1.50,{"2.0":"3.0"}]', '{"a\\"1.0":"\\\\"}', '"1.0"', 'null', 'true']) {
    assert.equal(write(read(text)), text);
    assert.equal(write({ value: asJSON(text), ttl: 0 }), `{"value":${text},"ttl":0}`);
  }
  assert.equal(write(read('{"a":1.0}'), 2), '{\n  "a": 1.0\n}');
  assert.deepEqual(read('{"items":[{"size":12,"version":3}]}'), { items: [{ size: 12, version: 3 }] }, 'others are numbers');
  for (const text of ['01', '1.', '--1', '1-2', '{a: 1.0}', '']) assert.throws(() => asJSON(text), text);
});

test('what becomes a text is known by its type', () => {
  for (const entry of [{ type: 'blob', value: 'cmF3' }, { type: 'range', value: '1..5' }, { type: 'f64', value: 'NaN' }]) assert.ok(becomesText(entry));
  for (const entry of [{ type: 'f64', value: read('1.0') }, { type: 'string', value: 'NaN' }, { type: '()', value: null }]) assert.ok(!becomesText(entry));
});
