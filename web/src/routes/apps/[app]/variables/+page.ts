import { call } from '$lib/api/api';

export const load = async ({ params }) => ({ variables: await call('listVariables', { path: { app: params.app } }) });
