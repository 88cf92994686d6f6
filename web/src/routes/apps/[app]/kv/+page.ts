import { call } from '$lib/api/api';

export const load = async ({ params, url }) => ({
  entries: await call('listKV', { path: { app: params.app }, query: { prefix: url.searchParams.get('prefix') || undefined } }),
});
