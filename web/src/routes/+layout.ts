import { call } from '$lib/api/api';

export const ssr = false;
export const prerender = false;

export const load = async () => ({ me: await call('whoami') });
