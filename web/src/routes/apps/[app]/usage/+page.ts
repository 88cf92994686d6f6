import { call } from '$lib/api/api';

export const load = async ({ params }) => ({ usage: await call('getAppUsage', { path: { app: params.app } }) });
