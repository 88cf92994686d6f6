import { call } from '$lib/api/api';

export const load = async () => ({ users: await call('listUsers') });
