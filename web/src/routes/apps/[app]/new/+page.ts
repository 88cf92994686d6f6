import { may, Refusal } from '$lib/api/api';

export const load = async ({ parent }) => {
  const { app } = await parent();
  if (!may(app, 'deployScript')) throw new Refusal(403, { detail: `You may not deploy scripts to ${app.slug}.` });
};
