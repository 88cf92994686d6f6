import { call } from '$lib/api/api';

export const load = async ({ params }) => ({ app: await call('getApp', { path: { app: params.app } }) });
