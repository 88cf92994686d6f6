import { call } from '$lib/api/api';

export const load = async ({ params }) => ({ deployments: await call('listDeployments', { path: { app: params.app } }) });
