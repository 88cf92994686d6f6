import { call, type Input, type Schemas } from '$lib/api/api';

type Filter = NonNullable<Input<'listAudit'>['query']>;

// filterOf returns what the page's address selects.
export function filterOf(params: URLSearchParams): Filter {
  const at = (name: string) => {
    const time = new Date(params.get(name) ?? '');
    return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
  };
  return {
    user: params.get('user') || undefined,
    app: params.get('app') || undefined,
    action: params.get('action') || undefined,
    refused: params.has('refused') || undefined,
    since: at('since'),
    until: at('until'),
  };
}

// everything returns all entries that a filter selects, oldest first, as lines of
// JSON; pages are fetched one after the other.
export async function everything(filter: Filter): Promise<Blob> {
  const lines: string[] = [];
  let after: string | undefined;
  do {
    const page: Schemas['ListAuditEntry'] = await call('listAudit', { query: { ...filter, oldest: true, limit: 500, after } });
    for (const entry of page.items) lines.push(`${JSON.stringify(entry)}\n`);
    after = page.next;
  } while (after);
  return new Blob(lines, { type: 'application/jsonl' });
}
