import { call } from '$lib/api/api';

export const load = async ({ params }) => ({ members: await call('listMembers', { path: { app: params.app } }) });
