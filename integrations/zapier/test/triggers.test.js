// The triggers, from the switching on of a Zap to its switching off, with real webhooks.

import assert from 'node:assert/strict';
import { after, before, beforeEach, afterEach, test } from 'node:test';

import app from '../index.js';
import { startBtk, startReceiver } from '../../test/btk.mjs';
import { delivered, failureOf, keysOf, zapOf } from './support.js';

const { new_task, updated_task, task_status_changed, deleted_task } = app.triggers;

let btk;
let zap;
let hooks;
before(async () => {
  btk = await startBtk();
  zap = zapOf(btk.url);
});
beforeEach(async () => (hooks = await startReceiver()));
afterEach(() => hooks.close());
after(() => btk.stop());

const change = (id, fields, origin) =>
  btk.api('PATCH', `/api/tasks/${id}`, fields, origin ? { 'X-BTK-Origin': origin } : {});
const webhooks = async () => (await btk.api('GET', '/api/webhooks')).body;
const full = (title) => {
  const { id, createdAt, updatedAt, ...fields } = app.creates.create_task.operation.sample;
  return { ...fields, title };
};

/** What the server has for a Zap's webhook, oldest first: decided with each change, whatever has arrived by now. */
async function deliveriesOf(on) {
  const { body } = await btk.api('GET', `/api/deliveries?webhookId=${on.subscribeData.id}`);
  return body.map(({ event, taskId }) => [event, taskId]).reverse();
}

/** Switches a Zap on; the rest of a Zap's life is in what comes back. */
async function switchOn({ operation }, inputData = {}, targetUrl = `${hooks.url}/hooks/standard/1`) {
  const subscribeData = await zap(operation.performSubscribe, inputData, { targetUrl });
  return {
    subscribeData,
    receive: (hit) => zap(operation.perform, inputData, delivered(hit, subscribeData)),
    switchOff: () => zap(operation.performUnsubscribe, inputData, { targetUrl, subscribeData }),
  };
}

/** Each trigger with what makes it fire; the task is there before the Zap is. */
const firing = [
  [new_task, () => btk.task(full('Made'))],
  [updated_task, (id) => change(id, { priority: 'URGENT' })],
  [updated_task, (id) => change(id, { status: 'DONE' })],
  [task_status_changed, (id) => change(id, { status: 'CANCELLED' })],
  [deleted_task, (id) => btk.api('DELETE', `/api/tasks/${id}`)],
];
for (const [trigger, fire] of firing) {
  test(`${trigger.display.label}: on, an event, off`, async () => {
    const { id } = await btk.task(full('Before'));
    const on = await switchOn(trigger);
    assert.deepEqual(Object.keys(on.subscribeData), ['id', 'secret']);
    const [webhook] = await webhooks();
    assert.equal(webhook.id, on.subscribeData.id);
    assert.equal(webhook.source, 'zapier');
    assert.equal(webhook.description, `Zapier: ${trigger.display.label}`);
    assert.deepEqual(webhook.ignoreOrigin, ['zapier']);

    await fire(id);
    const hit = await hooks.next();
    const output = await on.receive(hit);
    assert.deepEqual(output, [hit.body]);
    assert.deepEqual(keysOf(output[0]), keysOf(trigger.operation.sample));
    assert.equal(output[0].id, hit.headers['webhook-id']);

    await on.switchOff();
    assert.deepEqual(await webhooks(), []);
    await on.switchOff();
    assert.deepEqual(await webhooks(), []);
  });
}

test('a trigger gets its own kind of event only', async () => {
  const on = await switchOn(task_status_changed);
  const { id } = await btk.task({ title: 'Quiet' });
  await change(id, { title: 'Quieter' });
  await change(id, { status: 'DONE' });
  await btk.api('DELETE', `/api/tasks/${id}`);
  const last = await btk.task({ title: 'Loud' });
  await change(last.id, { status: 'DONE' });
  assert.deepEqual(await deliveriesOf(on), [
    ['task_status_changed', id],
    ['task_status_changed', last.id],
  ]);
  await on.switchOff();
});

test('changes made by Zapier are skipped, unless they are wanted', async () => {
  const create = (title) => zap(app.creates.create_task.operation.perform, { title });
  const skipping = await switchOn(new_task, { skipOwn: true });
  await create('Own');
  const { id } = await btk.task({ title: 'Of others' });
  assert.deepEqual(await deliveriesOf(skipping), [['task_created', id]]);
  assert.equal((await hooks.next()).body.task.title, 'Of others');
  await skipping.switchOff();

  const taking = await switchOn(new_task, { skipOwn: false });
  await create('Own again');
  const { body } = await hooks.next();
  assert.equal(body.task.title, 'Own again');
  assert.equal(body.origin, 'zapier');
  await taking.switchOff();
});

test('a trigger may want some tasks only', async () => {
  const on = await switchOn(new_task, { priority: ['HIGH', 'URGENT'], tag: ['sales'], type: [''], category: null });
  await btk.task({ title: 'Low', tags: ['sales'] });
  await btk.task({ title: 'Untagged', priority: 'HIGH' });
  const { id } = await btk.task({ title: 'Wanted', priority: 'URGENT', tags: ['sales', 'more'] });
  assert.deepEqual(await deliveriesOf(on), [['task_created', id]]);
  await on.switchOff();
});

test('a webhook that was left behind is kept, with what waits in it and the choices of now', async () => {
  const left = await switchOn(new_task);
  await btk.api('POST', `/api/webhooks/${left.subscribeData.id}/pause`);
  await btk.task({ title: 'Waits' });
  const on = await switchOn(new_task, { skipOwn: 'false', status: 'OPEN' });
  const [webhook, ...more] = await webhooks();
  assert.deepEqual(more, []);
  assert.equal(webhook.id, left.subscribeData.id);
  assert.equal(webhook.id, on.subscribeData.id);
  assert.deepEqual([webhook.ignoreOrigin, webhook.filter.status], [[], ['OPEN']]);
  const [event] = await on.receive(await hooks.next());
  assert.equal(event.task.title, 'Waits', 'signed with the new secret');
  await on.switchOff();
});

test('a forged delivery is not let in', async () => {
  const on = await switchOn(new_task);
  await btk.task({ title: 'Größe "genau" 😀' });
  const hit = await hooks.next();
  assert.equal((await on.receive(hit))[0].task.title, 'Größe "genau" 😀');

  const forged = [
    { ...hit, raw: hit.raw.replace('genau', 'fremd') },
    { ...hit, headers: { ...hit.headers, 'webhook-id': 'evt_other' } },
    { ...hit, headers: {} },
  ];
  for (const one of forged) {
    const { code, message } = await failureOf(on.receive(one));
    assert.equal(code, 'bad_signature');
    assert.match(message, /^This webhook is not signed with the secret .* turn the Zap off and on again/);
    assert.doesNotMatch(message, /whsec_/);
  }
  for (const rawRequest of [null, {}, { headers: null, content: hit.raw }, { headers: hit.headers }]) {
    const odd = zap(new_task.operation.perform, {}, { subscribeData: on.subscribeData, rawRequest });
    const { code, message } = await failureOf(odd);
    assert.equal(code, 'bad_signature');
    assert.doesNotMatch(message, /whsec_/);
  }
  const without = zap(new_task.operation.perform, {}, delivered(hit, {}));
  assert.equal((await failureOf(without)).code, 'bad_signature');

  const { body } = await btk.api('POST', `/api/webhooks/${on.subscribeData.id}/rotate-secret`);
  await btk.task({ title: 'While the secret is being changed' });
  const both = await hooks.next();
  assert.equal((await on.receive(both)).length, 1);
  const renewed = delivered(both, { ...on.subscribeData, secret: body.secret });
  assert.equal((await zap(new_task.operation.perform, {}, renewed)).length, 1);
  await on.switchOff();
});

test('a Zap is told why it cannot be switched on', async () => {
  const failure = await failureOf(switchOn(new_task, {}, 'http://10.0.0.1/hook'));
  assert.equal(failure.kind, 'AppError');
  assert.match(failure.message, /^url is refused\. The address 10\.0\.0\.1 is private/);
  assert.deepEqual(await webhooks(), []);
});

test('a Zap that cannot be switched off says why, and no secret', async () => {
  const on = await switchOn(new_task);
  const off = (use) => failureOf(use(new_task.operation.performUnsubscribe, {}, { subscribeData: on.subscribeData }));
  const refused = await off(zapOf(btk.url, 'tok_wrong'));
  assert.equal(refused.kind, 'ExpiredAuthError');
  const gone = await startReceiver();
  await gone.close();
  const unreachable = await off(zapOf(gone.url));
  assert.equal(unreachable.code, 'unreachable');
  for (const { message } of [refused, unreachable]) {
    assert.doesNotMatch(message, /whsec_|tok_/);
    assert.ok(message.length < 300, message);
  }
  await on.switchOff();
});

test('a Zap that never had a webhook is switched off without a word', async () => {
  assert.deepEqual(await zap(new_task.operation.performUnsubscribe, {}, {}), {});
});

test('the editor shows samples while there are no events', async () => {
  const empty = await startBtk();
  try {
    for (const { key, operation } of [new_task, updated_task, task_status_changed, deleted_task]) {
      const shown = await zapOf(empty.url)(operation.performList);
      assert.ok(shown.length > 0, key);
      for (const event of shown) {
        assert.deepEqual(keysOf(event), keysOf(operation.sample), key);
        assert.equal(event.origin, 'test');
      }
    }
  } finally {
    await empty.stop();
  }
});

test('the editor shows the newest events that the Zap would have got', async () => {
  const list = ({ operation }, inputData) => zap(operation.performList, inputData);
  const titles = (events) => events.map((event) => event.task.title);
  for (const title of ['One', 'Two', 'Three', 'Four']) await btk.task({ title, tags: ['list'] });
  const { body: own } = await btk.api('POST', '/api/tasks', { title: 'Own' }, { 'X-BTK-Origin': 'zapier' });

  assert.deepEqual(titles(await list(new_task)), ['Four', 'Three', 'Two']);
  assert.deepEqual(titles(await list(new_task, { skipOwn: false })), ['Own', 'Four', 'Three']);
  const urgent = await btk.task({ title: 'Urgent', tags: ['list'], priority: 'URGENT' });
  assert.deepEqual(titles(await list(new_task, { tag: ['list'], priority: ['URGENT', 'LOW'] })), ['Urgent']);

  for (let n = 0; n < 90; n++) await btk.task({ title: 'Not wanted' });
  assert.equal(titles(await list(new_task, { priority: ['URGENT'] }))[0], 'Urgent', 'looked for among many');

  await change(urgent.id, { title: 'Renamed' });
  await change(urgent.id, { status: 'DONE' });
  await change(own.id, { status: 'DONE' }, 'zapier');
  const [status, title] = await list(updated_task, { priority: ['URGENT'] });
  assert.deepEqual([status.event, title.event], ['task_status_changed', 'task_updated']);
  const { body: events } = await btk.api('GET', '/api/events?event=task_status_changed&limit=2');
  assert.deepEqual(status, events[1]);
  assert.deepEqual((await list(task_status_changed))[0], events[1]);
});
