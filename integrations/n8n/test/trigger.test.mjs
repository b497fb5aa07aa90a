// The trigger against a real server: webhooks come and go with the workflow, and only signed events start it.
//
// It must not know how the node makes its requests; it looks at what BTK-System holds and what n8n gets.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';

import { eventually, startBtk } from '../../test/btk.mjs';
import { startN8n } from './host.mjs';

const ALL = ['task_created', 'task_updated', 'task_status_changed', 'task_deleted'];

let btk;
let n8n;
before(async () => {
  // A held event is looked at again after this time, not after 30 s.
  btk = await startBtk({ WEBHOOK_PROBE_FIRST: '1s' });
});
after(() => btk.stop());
beforeEach(async () => {
  n8n = await startN8n({ address: btk.url, apiToken: btk.token });
});
afterEach(async () => {
  for (const { id } of await webhooks()) await btk.api('DELETE', `/api/webhooks/${id}`);
  await n8n.stop();
});

const webhooks = async () => (await btk.api('GET', '/api/webhooks')).body;
const only = async () => {
  const all = await webhooks();
  assert.equal(all.length, 1);
  return all[0];
};
const executed = (workflow, count) =>
  eventually(`${count} executions`, () => workflow.executions.length >= count && workflow.executions);
const secretOf = (workflow) => Object.values(workflow.keep())[0].webhookSecret;
/** The titles of all that BTK-System was to send to this webhook. */
const sentTo = async ({ id }) =>
  (await btk.api('GET', `/api/deliveries?webhookId=${id}&include=taskTitle`)).body.map(({ taskTitle }) => taskTitle);

test('an active workflow gets each event as BTK-System tells it, an inactive one has no webhook', async () => {
  const workflow = n8n.workflow({});
  assert.equal(await workflow.activate(), 'created');

  const { events, source, description, payload, ignoreOrigin, hasSecret } = await only();
  assert.deepEqual(
    { events: events.toSorted(), source, description, payload, ignoreOrigin, hasSecret },
    {
      events: ALL.toSorted(),
      source: 'n8n',
      description: 'n8n: Offers',
      payload: 'full',
      ignoreOrigin: ['n8n'],
      hasSecret: true,
    },
  );

  const task = await btk.task({ title: 'Send the offer' });
  await btk.api('PATCH', `/api/tasks/${task.id}`, { status: 'DONE' });
  const [created, changed] = await executed(workflow, 2);
  assert.equal(created.event, 'task_created');
  assert.deepEqual(created.task, task);
  assert.equal(changed.event, 'task_status_changed');
  assert.deepEqual(changed.changed, ['status']);
  assert.deepEqual(changed.previous, task);
  const told = (await btk.api('GET', `/api/events?taskId=${task.id}`)).body;
  assert.deepEqual([changed, created], told);

  await workflow.deactivate();
  assert.deepEqual(await webhooks(), []);
  assert.deepEqual(Object.values(workflow.keep()), [{}]);
});

test('only the chosen events of tasks that fit the filters come', async () => {
  const workflow = n8n.workflow({
    events: ['task_deleted'],
    filters: { priority: ['HIGH', 'URGENT'], tag: 'sales, q1', type: ['TECH'] },
  });
  await workflow.activate();
  const webhook = await only();
  assert.deepEqual(webhook.events, ['task_deleted']);
  assert.deepEqual(webhook.filter, {
    type: ['TECH'],
    category: [],
    status: [],
    priority: ['HIGH', 'URGENT'],
    tag: ['sales', 'q1'],
  });
  assert.equal(await workflow.activate(), 'there', 'a webhook with filters is recognized');

  for (const fields of [{ priority: 'HIGH' }, { tags: ['q1'], type: 'TECH' }]) {
    const other = await btk.task({ title: 'does not fit', ...fields });
    await btk.api('DELETE', `/api/tasks/${other.id}`);
  }
  const task = await btk.task({ title: 'fits', priority: 'URGENT', tags: ['q1'], type: 'TECH' });
  await btk.api('DELETE', `/api/tasks/${task.id}`);
  const [event] = await executed(workflow, 1);
  assert.equal(event.event, 'task_deleted');
  assert.deepEqual(await sentTo(webhook), ['fits']);
});

test('what n8n has changed itself does not come, unless that is wished', async () => {
  const workflow = n8n.workflow({});
  const curious = n8n.workflow({ ignoreOwnChanges: false }, { path: '/webhook/all/webhook' });
  await workflow.activate();
  await curious.activate();
  const own = await n8n.run({ operation: 'create', title: 'by n8n' });
  await btk.task({ title: 'by hand' });

  await executed(workflow, 1);
  const all = await executed(curious, 2);
  const origins = all.map(({ origin, task }) => `${task.title}: ${origin}`);
  assert.deepEqual(origins.toSorted(), ['by hand: api', 'by n8n: n8n']);
  assert.ok(all.some(({ task }) => task.id === own[0].json.id));
  const webhook = (await webhooks()).find(({ ignoreOrigin }) => ignoreOrigin.length > 0);
  assert.deepEqual(await sentTo(webhook), ['by hand']);
});

test('a test URL and a production URL have a webhook each', async () => {
  const production = n8n.workflow({});
  const editor = n8n.workflow({}, { path: '/webhook-test/7c9e/webhook' });
  await production.activate();
  await editor.activate();
  assert.equal((await webhooks()).length, 2);
  await editor.deactivate();
  assert.equal((await webhooks()).length, 1);
  await btk.task({ title: 'still there' });
  await executed(production, 1);
  assert.deepEqual(editor.executions, []);
});

describe('looking whether the webhook is there', () => {
  test('it is, if all is as wished', async () => {
    const workflow = n8n.workflow({});
    assert.equal(await workflow.checkExists(), false);
    await workflow.activate();
    assert.equal(await workflow.checkExists(), true);
    // As after a restart of n8n.
    assert.equal(await n8n.workflow({}, { staticData: workflow.keep() }).checkExists(), true);
    const shuffled = ['task_updated', 'task_deleted', 'task_created', 'task_status_changed'];
    assert.equal(await n8n.workflow({ events: shuffled }, { staticData: workflow.keep() }).checkExists(), true);
  });

  const others = {
    'other events': { events: ['task_created'] },
    'another filter': { filters: { status: ['DONE'] } },
    'own changes too': { ignoreOwnChanges: false },
  };
  for (const [name, parameters] of Object.entries(others)) {
    test(`it is not, for ${name}; it becomes what is wished, and what waits in it still comes`, async () => {
      const before = n8n.workflow({});
      await before.activate();
      const { id } = await only();
      await btk.api('POST', `/api/webhooks/${id}/pause`);
      await btk.task({ title: 'waits' });
      const workflow = n8n.workflow(parameters, { staticData: before.keep() });
      assert.equal(await workflow.activate(), 'created');
      assert.equal((await only()).id, id);
      assert.equal(await workflow.checkExists(), true);
      await btk.api('POST', `/api/webhooks/${id}/resume`);
      const [event] = await executed(workflow, 1);
      assert.equal(event.task.title, 'waits');
    });
  }

  test('it is not, for another URL; the one of the other URL is left alone', async () => {
    const before = n8n.workflow({});
    await before.activate();
    const { id } = await only();
    const copy = n8n.workflow({}, { path: '/webhook/other/webhook', staticData: before.keep() });
    assert.equal(await copy.activate(), 'created');
    await copy.deactivate();
    assert.equal((await only()).id, id);
  });

  test('it is not, if it was deleted in BTK-System or another leads to the same URL', async () => {
    const workflow = n8n.workflow({});
    await workflow.activate();
    const { id } = await only();
    await btk.api('POST', '/api/webhooks', { url: workflow.url, events: ['task_deleted'] });
    assert.equal(await workflow.activate(), 'created');
    assert.equal((await only()).id, id, 'the one that fits is kept, the other is gone');
    await btk.api('DELETE', `/api/webhooks/${id}`);
    assert.equal(await workflow.activate(), 'created');
    await btk.task({ title: 'comes' });
    await executed(workflow, 1);
  });

  test('it is not, if somebody has made it anew: its secret is another', async () => {
    const workflow = n8n.workflow({});
    await workflow.activate();
    const { id } = await only();
    await btk.api('DELETE', `/api/webhooks/${id}`);
    await btk.api('POST', '/api/webhooks', { url: workflow.url, ignoreOrigin: ['n8n'] });
    assert.equal(await workflow.activate(), 'created');
    await btk.task({ title: 'comes' });
    await executed(workflow, 1);
  });
});

describe('after a crash of n8n', () => {
  /** Three events that n8n did not take: BTK-System then holds them. */
  async function missed(workflow) {
    workflow.crash();
    for (const title of ['one', 'two', 'three']) await btk.task({ title });
    await eventually('the events to be held', async () => (await only()).status === 'misconfigured');
  }

  test('what was missed comes as soon as the workflow is active again', async () => {
    const workflow = n8n.workflow({});
    await workflow.activate();
    await missed(workflow);
    const again = n8n.workflow({}, { staticData: workflow.keep() });
    await again.activate();
    const events = await executed(again, 3);
    assert.deepEqual(events.map(({ task }) => task.title).toSorted(), ['one', 'three', 'two']);
  });

  test('also if the secret was changed in BTK-System and n8n has refused what came', async () => {
    const workflow = n8n.workflow({});
    await workflow.activate();
    const { id } = await only();
    for (let times = 0; times < 2; times++) await btk.api('POST', `/api/webhooks/${id}/rotate-secret`);
    for (const title of ['one', 'two', 'three']) await btk.task({ title });
    await eventually('the events to be held', async () => (await only()).status === 'misconfigured');
    assert.deepEqual(workflow.executions, []);
    assert.equal(await workflow.activate(), 'created');
    assert.equal((await only()).id, id);
    await executed(workflow, 3);
  });

  test('what was refused comes too: n8n answers 404 while it starts', async () => {
    const workflow = n8n.workflow({});
    await workflow.activate();
    const { id } = await only();
    workflow.crash();
    await btk.task({ title: 'refused' });
    await eventually('the refusal', async () => {
      const [delivery] = (await btk.api('GET', `/api/deliveries?webhookId=${id}`)).body;
      return delivery?.status === 'failed';
    });
    assert.equal(await workflow.activate(), 'there');
    const [event] = await executed(workflow, 1);
    assert.equal(event.task.title, 'refused');
    await workflow.activate();
    await btk.task({ title: 'last' });
    const events = await executed(workflow, 2);
    assert.deepEqual(events.map(({ task }) => task.title), ['refused', 'last'], 'each comes once');
  });

  test('also if n8n has lost the secret: the webhook is kept and gets a new one', async () => {
    const workflow = n8n.workflow({});
    await workflow.activate();
    const { id } = await only();
    await missed(workflow);
    const again = n8n.workflow({});
    assert.equal(await again.activate(), 'created');
    assert.equal((await only()).id, id);
    assert.notEqual(secretOf(again), secretOf(workflow));
    await executed(again, 3);
  });

  test('a webhook that a person has paused stays paused', async () => {
    const workflow = n8n.workflow({});
    await workflow.activate();
    const { id } = await only();
    await btk.api('POST', `/api/webhooks/${id}/pause`);
    assert.equal(await workflow.activate(), 'there');
    assert.equal((await only()).status, 'paused');
  });
});

describe('the signature', () => {
  const BODY = JSON.stringify({ id: 'evt_forged', event: 'task_created', task: { title: 'forged' } });
  const now = () => Math.floor(Date.now() / 1000);

  /** A request as BTK-System makes it, with what is forged in it. */
  async function post(workflow, request = {}) {
    const { secret = secretOf(workflow), timestamp = now(), signed = BODY, version = 'v1', headers = {} } = request;
    const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
    const code = createHmac('sha256', key).update(`evt_forged.${timestamp}.${signed}`).digest('base64');
    const answer = await fetch(workflow.url, {
      method: 'POST',
      body: BODY,
      headers: {
        'Content-Type': 'application/json',
        'webhook-id': 'evt_forged',
        'webhook-timestamp': String(timestamp),
        'webhook-signature': `${version},${code}`,
        ...headers,
      },
    });
    return { status: answer.status, error: (await answer.json()).error };
  }

  test('that is right starts the workflow', async () => {
    const workflow = n8n.workflow({});
    await workflow.activate();
    assert.equal((await post(workflow)).status, 200);
    assert.deepEqual(workflow.executions, [JSON.parse(BODY)]);
  });

  const forged = {
    'with another secret': [{ secret: `whsec_${Buffer.alloc(32, 7).toString('base64')}` }, /does not fit/],
    'of another body': [{ signed: `${BODY} ` }, /does not fit/],
    'of another version': [{ version: 'v1a' }, /does not fit/],
    'that is empty': [{ headers: { 'webhook-signature': 'v1,' } }, /does not fit/],
    'for another time': [{ headers: { 'webhook-timestamp': String(now() + 100) } }, /does not fit/],
    'that is old': [{ timestamp: now() - 400 }, /5 minutes/],
    'from the future': [{ timestamp: now() + 400 }, /5 minutes/],
    'with a time that is none': [{ headers: { 'webhook-timestamp': 'soon' } }, /5 minutes/],
  };
  for (const [name, [request, sentence]] of Object.entries(forged)) {
    test(`${name} is refused with 401`, async () => {
      const workflow = n8n.workflow({});
      await workflow.activate();
      const { status, error } = await post(workflow, request);
      assert.equal(status, 401);
      assert.match(error, sentence);
      assert.deepEqual(workflow.executions, []);
    });
  }

  test('that is missing is refused with 401', async () => {
    const workflow = n8n.workflow({});
    await workflow.activate();
    const answer = await fetch(workflow.url, { method: 'POST', body: BODY });
    assert.equal(answer.status, 401);
    assert.match((await answer.json()).error, /not signed/);
    assert.deepEqual(workflow.executions, []);
  });

  test('cannot be checked while n8n has not kept the secret: 503, and BTK-System sends again', async () => {
    const workflow = n8n.workflow({});
    await workflow.activate();
    const { id } = await only();
    const early = n8n.workflow({});
    early.listen();
    assert.equal((await post(early, { secret: secretOf(workflow) })).status, 503);
    await btk.task({ title: 'too early' });
    await eventually('a first attempt', async () => {
      const [delivery] = (await btk.api('GET', `/api/deliveries?webhookId=${id}`)).body;
      return delivery?.attemptCount === 1 && delivery.status === 'pending';
    });
    assert.deepEqual(early.executions, []);
    workflow.listen();
    const [event] = await executed(workflow, 1);
    assert.equal(event.task.title, 'too early');
  });

  test('stays good while the secret is changed in BTK-System', async () => {
    const workflow = n8n.workflow({});
    await workflow.activate();
    await btk.api('POST', `/api/webhooks/${(await only()).id}/rotate-secret`);
    await btk.task({ title: 'signed twice' });
    const [event] = await executed(workflow, 1);
    assert.equal(event.task.title, 'signed twice');
  });
});

describe('what goes wrong is told in words', () => {
  test('n8n at a private address that BTK-System was not told to allow', async () => {
    const strict = await startBtk({ WEBHOOK_ALLOW_TARGETS: '' });
    const there = await startN8n({ address: strict.url, apiToken: strict.token });
    try {
      await assert.rejects(there.workflow({}).activate(), (error) => {
        assert.equal(error.constructor.name, 'NodeApiError');
        assert.match(error.message, /WEBHOOK_ALLOW_TARGETS/);
        assert.equal(error.httpCode, '400');
        return true;
      });
    } finally {
      await there.stop();
      await strict.stop();
    }
  });

  test('a server that does not answer: the workflow keeps what it knows of its webhook', async () => {
    const gone = await startBtk();
    const there = await startN8n({ address: gone.url, apiToken: gone.token });
    const workflow = there.workflow({});
    await workflow.activate();
    const known = workflow.keep();
    await gone.stop();
    await assert.rejects(workflow.deactivate(), (error) => {
      assert.equal(error.constructor.name, 'NodeApiError');
      assert.match(error.message, /refused the connection|ECONNREFUSED/);
      return true;
    });
    assert.deepEqual(workflow.keep(), known);
    await there.stop();
  });
});
