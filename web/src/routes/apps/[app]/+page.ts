import { call } from '$lib/api/api';

export const load = async ({ params }) => ({ scripts: await call('listScripts', { path: { app: params.app } }) });
