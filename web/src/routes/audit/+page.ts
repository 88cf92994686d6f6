import { call } from '$lib/api/api';
import { filterOf } from '$lib/people/audit';

export const load = async ({ url }) => ({ entries: await call('listAudit', { query: filterOf(url.searchParams) }) });
