import { call } from '$lib/api/api';

export const load = async ({ params: { app, script } }) => {
  const path = { app, script };
  const [shown, versions] = await Promise.all([call('getScript', { path }), call('listVersions', { path })]);
  const { source } = await call('getVersionSource', { path: { ...path, number: shown.active_version } });
  return { script: shown, versions, source };
};
