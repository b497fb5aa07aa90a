// The triggers: each is one webhook on the server for as long as its Zap is on.
//
// They must not know actions.

import { ask, ORIGIN } from '../http.js';
import { isSigned } from '../signature.js';
import { isListOf, isTask } from '../tasks.js';
import { WEBHOOK_FILTERS } from '../api-fields.js';
import { SAMPLES } from '../api-samples.js';
import { eventOutputFields, given, listOf } from '../fields.js';

/** How many events the editor is shown, and among how many of each kind they are looked for. */
const SHOWN = 3;
const LOOKED_AT = 100;

const choiceFields = [
  ...WEBHOOK_FILTERS,
  {
    key: 'skipOwn',
    label: 'Skip Changes Made by Zapier',
    type: 'boolean',
    default: 'true',
    helpText:
      'Leaves out what this or another Zap of yours changed. Choose no only if your Zaps cannot go round in circles.',
  },
];

/** What a person chose, as a webhook's `filter` and `ignoreOrigin`. */
function choices(bundle) {
  const { skipOwn = true, ...fields } = given(bundle, choiceFields);
  const filter = Object.fromEntries(Object.entries(fields).map(([field, value]) => [field, listOf(value)]));
  // A field of yes and no that was mapped comes as a text.
  const isSkipped = !/^(false|no|0)$/i.test(String(skipOwn));
  return { filter, ignoreOrigin: isSkipped ? [ORIGIN] : [] };
}

/** Whether the server would send `event` to a webhook with these choices. */
function fits(event, { filter, ignoreOrigin }) {
  if (ignoreOrigin.includes(event.origin)) return false;
  return Object.entries(filter).every(([field, wanted]) =>
    wanted.some((value) => (field === 'tag' ? event.task.tags.includes(value) : event.task[field] === value)),
  );
}

async function askForEach(z, bundle, url, events, params) {
  const looksRight = isListOf((event) => isTask(event?.task));
  const one = (event) => ask(z, bundle, { url, params: { ...params, event }, looksRight });
  return (await Promise.all(events.map(one))).flat();
}

const isWebhook = (data) => typeof data?.id === 'string' && typeof data.url === 'string';

/** Webhooks that come from the server's settings; nobody changes them here. */
const OF_SETTINGS = ['default', 'alerts'];

const isSame = (some, others) => some.length === others.length && some.every((event) => others.includes(event));

function subscribing(label, events) {
  return async (z, bundle) => {
    const wish = { payload: 'full', source: 'zapier', description: `Zapier: ${label}`, ...choices(bundle) };
    const post = (url, body) => ask(z, bundle, { method: 'POST', url, body, looksRight: isWebhook });
    const params = { url: bundle.targetUrl };
    const known = await ask(z, bundle, { url: '/api/webhooks', params, looksRight: isListOf(isWebhook) });
    const left = known.find(({ id, events: of }) => !OF_SETTINGS.includes(id) && isSame(of, events));
    if (!left) {
      const { id, secret } = await post('/api/webhooks', { url: bundle.targetUrl, events, ...wish });
      return { id, secret };
    }
    // One with this URL was left behind. It is kept, so that what waits in it still comes; but what was wished may have
    // changed, its secret was told only once, and it may have been given up meanwhile.
    const { id } = left;
    await ask(z, bundle, { method: 'PATCH', url: `/api/webhooks/${id}`, body: wish, looksRight: isWebhook });
    const { secret } = await post(`/api/webhooks/${id}/rotate-secret`);
    await post(`/api/webhooks/${id}/resume`);
    return { id, secret };
  };
}

async function unsubscribe(z, bundle) {
  const id = bundle.subscribeData?.id;
  if (id) await ask(z, bundle, { method: 'DELETE', url: `/api/webhooks/${encodeURIComponent(id)}` });
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

function trigger({ key, label, description, events }) {
  const sample = SAMPLES[events[0]];
  return {
    key,
    noun: 'Task',
    display: { label, description },
    operation: {
      type: 'hook',
      inputFields: choiceFields,
      performSubscribe: subscribing(label, events),
      performUnsubscribe: unsubscribe,
      perform: receive,
      performList: listing(events),
      sample,
      outputFields: eventOutputFields(sample.previous !== null),
    },
  };
}

export const newTask = trigger({
  key: 'new_task',
  label: 'New Task',
  description: 'Triggers when a task is created.',
  events: ['task_created'],
});

export const updatedTask = trigger({
  key: 'updated_task',
  label: 'Updated Task',
  description: 'Triggers when anything about a task changes, its status included.',
  events: ['task_updated', 'task_status_changed'],
});

export const taskStatusChanged = trigger({
  key: 'task_status_changed',
  label: 'Task Status Changed',
  description: 'Triggers when the status of a task changes, for example to Done.',
  events: ['task_status_changed'],
});

export const deletedTask = trigger({
  key: 'deleted_task',
  label: 'Deleted Task',
  description: 'Triggers when a task is deleted, with the task as it was last.',
  events: ['task_deleted'],
});
