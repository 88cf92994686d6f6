import { call } from '$lib/api/api';

export const load = async ({ params }) => ({ user: await call('getUser', { path: { user: params.user } }) });
