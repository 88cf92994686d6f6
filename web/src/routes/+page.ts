import { call } from '$lib/api/api';

export const load = async () => ({ apps: await call('listApps') });
