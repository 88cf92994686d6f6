// What starts a script beside a request. All four are channels with messages and
// have the same operations under names of their own.
import { call, refusal, Refusal, type Operation, type Schemas } from '$lib/api/api';

type Delivery = Partial<Schemas['Delivery']>;

// Channel is a queue, a subscription, a schedule or a KV trigger; on is when it
// delivers, which a queue does not have.
export type Channel = Delivery & {
  name: string;
  on: string;
  state: Schemas['ChannelState'];
  schedule?: Schemas['Schedule'];
};

type Kind = {
  noun: string;
  on?: { field: 'pattern' | 'cron' | 'prefix'; label: string; help: string };
  none: string;
  list: Operation;
  get: Operation;
  set: Operation;
  remove: Operation;
  pause: Operation;
  resume: Operation;
  messages: Operation;
  redrive: Operation;
  purge: Operation;
};

export const kinds = {
  queue: {
    noun: 'queue',
    none: 'There are no queues yet. A queue is there as soon as something is sent to it, or a script consumes it.',
    list: 'listQueues', get: 'getQueue', set: 'consumeQueue', remove: 'releaseQueue', pause: 'pauseQueue', resume: 'resumeQueue',
    messages: 'listQueueMessages', redrive: 'redriveQueue', purge: 'purgeQueue',
  },
  subscription: {
    noun: 'subscription',
    on: { field: 'pattern', label: 'Pattern', help: 'Topics such as orders.paid; orders.* takes in one more part, orders.> all that follow' },
    none: 'There are no subscriptions yet. Each gets every event whose topic its pattern takes in.',
    list: 'listSubscriptions', get: 'getSubscription', set: 'subscribe', remove: 'unsubscribe', pause: 'pauseSubscription', resume: 'resumeSubscription',
    messages: 'listSubscriptionMessages', redrive: 'redriveSubscription', purge: 'purgeSubscription',
  },
  schedule: {
    noun: 'schedule',
    on: { field: 'cron', label: 'When', help: 'minute hour day month weekday, such as 0 3 * * *; or @hourly, @daily, @weekly, @every 1h30m' },
    none: 'There are no schedules yet.',
    list: 'listSchedules', get: 'getSchedule', set: 'setSchedule', remove: 'deleteSchedule', pause: 'pauseSchedule', resume: 'resumeSchedule',
    messages: 'listScheduleMessages', redrive: 'redriveSchedule', purge: 'purgeSchedule',
  },
  'kv-trigger': {
    noun: 'KV trigger',
    on: { field: 'prefix', label: 'Prefix', help: 'The script is told when keys that begin with it change.' },
    none: 'There are no KV triggers yet.',
    list: 'listKVTriggers', get: 'getKVTrigger', set: 'setKVTrigger', remove: 'deleteKVTrigger', pause: 'pauseKVTrigger', resume: 'resumeKVTrigger',
    messages: 'listKVTriggerMessages', redrive: 'redriveKVTrigger', purge: 'purgeKVTrigger',
  },
} as const satisfies Record<string, Kind>;

export type KindName = keyof typeof kinds;

// list returns a page of channels, whatever kind they are.
export async function list(kind: KindName, app: string, after?: string): Promise<{ items: Channel[]; next?: string }> {
  const input = { path: { app }, query: { after } };
  switch (kind) {
    case 'queue': {
      const page = await call('listQueues', input);
      return { ...page, items: page.items.map(({ consumer, ...q }) => ({ ...consumer, ...q, on: '' })) };
    }
    case 'subscription': {
      const page = await call('listSubscriptions', input);
      return { ...page, items: page.items.map((s) => ({ ...s, on: s.pattern })) };
    }
    case 'schedule': {
      const page = await call('listSchedules', input);
      return { ...page, items: page.items.map((s) => ({ ...s, on: s.cron, schedule: s })) };
    }
    case 'kv-trigger': {
      const page = await call('listKVTriggers', input);
      return { ...page, items: page.items.map((t) => ({ ...t, on: t.prefix })) };
    }
  }
}

// mustBeNew refuses the name of what is there: making it would replace all its settings. A
// queue that nobody consumes is free.
export async function mustBeNew(kind: KindName, app: string, name: string) {
  try {
    const there: object = await call(kinds[kind].get as 'getQueue', { path: { app, name } });
    if (kind === 'queue' && !('consumer' in there)) return;
  } catch (thrown) {
    if (refusal(thrown).status === 404) return;
    throw thrown;
  }
  const message = kind === 'queue' ? `A script consumes ${name} already: edit it in the list.` : `There is a ${kinds[kind].noun} ${name} already: edit it in the list.`;
  throw new Refusal(409, { detail: message, errors: [{ location: 'path.name', message }] });
}

// The operations on one channel take the same inputs for every kind.
export const set = (kind: KindName, app: string, name: string, body: object) =>
  call(kinds[kind].set as 'consumeQueue', { path: { app, name }, body: body as Schemas['Delivery'] });
export const remove = (kind: KindName, app: string, name: string) => call(kinds[kind].remove as 'releaseQueue', { path: { app, name } });
export const pause = (kind: KindName, app: string, name: string) => call(kinds[kind].pause as 'pauseQueue', { path: { app, name } });
export const resume = (kind: KindName, app: string, name: string) => call(kinds[kind].resume as 'resumeQueue', { path: { app, name } });
export const messages = (kind: KindName, app: string, name: string, state: Schemas['Message']['state'], after?: string) =>
  call(kinds[kind].messages as 'listQueueMessages', { path: { app, name }, query: { state, after } });
// The server wants it said when all are meant.
const these = (ids?: string[]) => (ids ? { ids } : { all: true });
export const redrive = (kind: KindName, app: string, name: string, ids?: string[]) =>
  call(kinds[kind].redrive as 'redriveQueue', { path: { app, name }, body: these(ids) });
export const purge = (kind: KindName, app: string, name: string, dead: boolean, ids?: string[]) =>
  call(kinds[kind].purge as 'purgeQueue', { path: { app, name }, body: { dead, ...these(ids) } });
