import { call } from '$lib/api/api';

export const load = async ({ params }) => ({ secrets: await call('listSecrets', { path: { app: params.app } }) });
