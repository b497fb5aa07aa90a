// The triggers: each is one webhook on the server for as long as its Zap is on.
//
// They must not know actions.

import { ask, ORIGIN } from '../http.js';
import { isSigned } from '../signature.js';
import { eventOutputFields, eventSample, filled, filterFields } from '../fields.js';

/** How many events the editor is shown, and among how many of each kind they are looked for. */
const SHOWN = 3;
const LOOKED_AT = 100;

/** What a person chose, as a webhook's `filter` and `ignoreOrigin`. */
function choices(bundle) {
  const { skipOwn = true, ...filter } = filled(bundle.inputData) ?? {};
  return { filter, ignoreOrigin: skipOwn ? [ORIGIN] : [] };
}

/** Whether the server would send `event` to a webhook with these choices. */
function fits(event, { filter, ignoreOrigin }) {
  if (ignoreOrigin.includes(event.origin)) return false;
  return Object.entries(filter).every(([field, wanted]) =>
    wanted.some((value) => (field === 'tag' ? event.task.tags.includes(value) : event.task[field] === value)),
  );
}

async function askForEach(z, bundle, url, events, params) {
  const answers = await Promise.all(events.map((event) => ask(z, bundle, { url, params: { ...params, event } })));
  return answers.flatMap((answer) => answer.data);
}

function subscribing(label, events) {
  return async (z, bundle) => {
    const body = {
      url: bundle.targetUrl,
      events,
      payload: 'full',
      source: 'zapier',
      description: `Zapier: ${label}`,
      ...choices(bundle),
    };
    const make = () => ask(z, bundle, { method: 'POST', url: '/api/webhooks', body });
    let { data: webhook } = await make();
    if (!webhook.secret) {
      // One with this URL was left behind, and its secret is told only once: a new one takes its place.
      await ask(z, bundle, { method: 'DELETE', url: `/api/webhooks/${webhook.id}` });
      ({ data: webhook } = await make());
    }
    return { id: webhook.id, secret: webhook.secret };
  };
}

async function unsubscribe(z, bundle) {
  await ask(z, bundle, { method: 'DELETE', url: `/api/webhooks/${encodeURIComponent(bundle.subscribeData.id)}` });
  return {};
}

/** One delivery. What is handed on is the text that was signed, not what Zapier made of it. */
function receive(z, bundle) {
  if (!isSigned(bundle.rawRequest, bundle.subscribeData?.secret)) {
    throw new z.errors.Error(
      'This webhook is not signed with the secret that your BTK-System gave this Zap, so it was not let in. If the ' +
        'secret was changed on the server, turn the Zap off and on again; otherwise somebody else knows its URL.',
      'bad_signature',
    );
  }
  return [JSON.parse(bundle.rawRequest.content)];
}

/** For the editor: the newest events that this Zap would have got, or samples if there are none. */
function listing(events) {
  return async (z, bundle) => {
    const wanted = choices(bundle);
    const found = (await askForEach(z, bundle, '/api/events', events, { limit: LOOKED_AT }))
      .filter((event) => fits(event, wanted))
      .sort((a, b) => b.timestamp.localeCompare(a.timestamp))
      .slice(0, SHOWN);
    return found.length > 0 ? found : askForEach(z, bundle, '/api/events/samples', events, { payload: 'full' });
  };
}

function trigger({ key, label, description, events, changed = [], after = {}, hasPrevious = true }) {
  return {
    key,
    noun: 'Task',
    display: { label, description },
    operation: {
      type: 'hook',
      inputFields: [
        ...filterFields,
        {
          key: 'skipOwn',
          label: 'Skip Changes Made by Zapier',
          type: 'boolean',
          default: 'true',
          helpText:
            'Leaves out what this or another Zap of yours changed. Choose no only if your Zaps cannot go round in ' +
            'circles.',
        },
      ],
      performSubscribe: subscribing(label, events),
      performUnsubscribe: unsubscribe,
      perform: receive,
      performList: listing(events),
      sample: eventSample(events[0], changed, after, hasPrevious),
      outputFields: eventOutputFields(hasPrevious),
    },
  };
}

export const newTask = trigger({
  key: 'new_task',
  label: 'New Task',
  description: 'Triggers when a task is created.',
  events: ['task_created'],
  hasPrevious: false,
});

export const updatedTask = trigger({
  key: 'updated_task',
  label: 'Updated Task',
  description: 'Triggers when anything about a task changes, its status included.',
  events: ['task_updated', 'task_status_changed'],
  changed: ['priority'],
  after: { priority: 'URGENT', updatedAt: '2026-11-23T19:40:00.000Z' },
});

export const taskStatusChanged = trigger({
  key: 'task_status_changed',
  label: 'Task Status Changed',
  description: 'Triggers when the status of a task changes, for example to Done.',
  events: ['task_status_changed'],
  changed: ['status'],
  after: { status: 'DONE', updatedAt: '2026-11-23T19:40:00.000Z' },
});

export const deletedTask = trigger({
  key: 'deleted_task',
  label: 'Deleted Task',
  description: 'Triggers when a task is deleted, with the task as it was last.',
  events: ['task_deleted'],
});
