// The REST API: every operation of api/openapi.yaml, with its types.
import { read, write } from '$lib/exact';
import { anyUnsaved } from '$lib/unsaved';
import { operations as table } from './operations.gen';
import type { components, operations } from './schema.gen';

export type Schemas = components['schemas'];
export type Operation = keyof typeof table;
export type Page<T> = { items: T[]; next?: string };

// upTo returns a list from its beginning, with as many items as were shown before, so
// that what has changed does not send somebody back to the first page.
export async function upTo<T>(shown: number, load: (after?: string) => Promise<Page<T>>): Promise<Page<T>> {
  let page = await load();
  while (page.next && page.items.length < shown) {
    const { items, next } = await load(page.next);
    page = { ...page, items: [...page.items, ...items], next };
  }
  return page;
}

type Params<O extends Operation, K extends string> = operations[O]['parameters'] extends { [k in K]: infer P } ? P : never;
type Query<O extends Operation> = operations[O]['parameters'] extends { query?: infer Q } ? NonNullable<Q> : never;
type Body<O extends Operation> = operations[O] extends { requestBody: { content: { 'application/json': infer B } } } ? B : never;
type Success<R> = {
  [S in keyof R]: S extends 200 | 201 | 202 ? (R[S] extends { content: { 'application/json': infer T } } ? T : void) : S extends 204 ? void : never;
}[keyof R];

export type Input<O extends Operation> = ([Params<O, 'path'>] extends [never] ? object : { path: Params<O, 'path'> }) &
  ([Body<O>] extends [never] ? object : { body: Body<O> }) & { query?: Query<O> };
export type Output<O extends Operation> = Success<operations[O]['responses']>;

// A request takes this long at most; the server gives up before.
const patience = 35_000;

// Operations that answer what scripts keep and send, whose numbers are not to change.
const holdsData = /^(listKV|getKV|list\w+Messages)$/;

// Refusal is why a request did not do what it should.
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly problem: Partial<Schemas['Problem']>,
    readonly retryAfter = 0,
  ) {
    const faults = problem.errors ?? [];
    const text = faults.length === 1 && problem.detail?.startsWith(`${faults[0]?.location}: `) ? faults[0]!.message : (problem.detail ?? '');
    super((text || `PiCloud answered with the status ${status}.`) + (retryAfter ? ` Try again in ${retryAfter} s.` : ''));
  }

  // fault returns what is wrong with an input, such as "slug" or "guard.secret".
  fault(name: string): string | undefined {
    return this.problem.errors?.find(({ location = '' }) => {
      const at = location.replace(/^(body|query|path)\./, '');
      return at === name || at.startsWith(`${name}.`) || at.startsWith(`${name}[`);
    })?.message;
  }
}

// refusal makes a Refusal of whatever was thrown.
export function refusal(thrown: unknown): Refusal {
  if (thrown instanceof Refusal) return thrown;
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return new Refusal(0, { detail: text });
}

// address returns where an operation is, below the origin.
export function address<O extends Operation>(operation: O, path: object = {}, query: object = {}): string {
  const filled = table[operation].path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String((path as Record<string, unknown>)[name])));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== '' && value !== false) search.set(name, String(value));
  return `/api/v1${filled}${search.size ? `?${search}` : ''}`;
}

// call does an operation. It fails with a Refusal. Whoever is not signed in any
// more is sent to do so, and comes back, unless that would lose something.
export async function call<O extends Operation>(
  operation: O,
  ...[input]: object extends Input<O> ? [Input<O>?] : [Input<O>]
): Promise<Output<O>> {
  const { path, query, body } = (input ?? {}) as { path?: object; query?: object; body?: unknown };
  let response: Response;
  try {
    response = await fetch(address(operation, path, query), {
      method: table[operation].method,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      body: body === undefined ? undefined : write(body),
      signal: AbortSignal.timeout(patience),
    });
  } catch (thrown) {
    const late = thrown instanceof DOMException && thrown.name === 'TimeoutError';
    throw new Refusal(0, { detail: late ? 'PiCloud did not answer in time.' : 'PiCloud cannot be reached. Is it running?' });
  }
  if (response.ok && holdsData.test(operation)) return read(await response.text()) as Output<O>;
  if (response.ok) return (response.status === 204 ? undefined : await response.json()) as Output<O>;
  if (response.status === 401 && (table[operation].method !== 'GET' || anyUnsaved()))
    throw new Refusal(401, { detail: 'You are not signed in any more. Do so in another tab, then try again here: nothing is lost.' });
  if (response.status === 401) {
    location.assign(`/_/login?next=${encodeURIComponent(location.pathname + location.search)}`);
    return new Promise(() => {});
  }
  const problem = await response.json().catch(() => ({}));
  throw new Refusal(response.status, problem, Number(response.headers.get('retry-after')) || 0);
}

// Holder is what answers name the permissions of: oneself, or an app.
type Holder = { permissions: string[] };

// may reports whether somebody may do an operation, by the table that the server
// decides by.
export function may(holder: Holder, operation: Operation): boolean {
  return holder.permissions.includes(table[operation].permission);
}

// has reports whether somebody has a permission that is not one operation's.
export function has(holder: Holder, permission: 'owners.manage' | 'keys.manage' | 'sessions.manage' | 'app.networks'): boolean {
  return holder.permissions.includes(permission);
}
