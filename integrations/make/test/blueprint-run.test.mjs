// The blueprints at work: a real btk sends to a receiver, what arrives runs through the scenario, and the
// scenario's requests go to that same btk.
//
// It must not check how a blueprint is written; blueprints.test.mjs does.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { startBtk, startReceiver, TOKEN } from '../../test/btk.mjs';
import { bundleOf, run, RunFailed } from './blueprint-walk.mjs';

const SECRET = 'secret-of-the-blueprint-tests';

/** A blueprint after the find and replace that README.md asks for. */
function filledIn(name, btk, { other, secret = SECRET } = {}) {
  const text = readFileSync(new URL(`../blueprints/${name}.json`, import.meta.url), 'utf8');
  return JSON.parse(text
    .replaceAll('https://btk.example.com', btk.url)
    .replaceAll('https://api.example.com', other?.url ?? 'https://api.example.com')
    .replaceAll('YOUR_WEBHOOK_SECRET', secret)
    .replaceAll('YOUR_API_TOKEN', TOKEN));
}

/** A btk that sends to a receiver; both end with the test. */
async function pair(t, settings = {}, answer) {
  const receiver = await startReceiver(answer);
  t.after(() => receiver.close());
  const btk = await startBtk({ WEBHOOK_URL: `${receiver.url}/hook`, WEBHOOK_SECRET: SECRET, ...settings });
  t.after(() => btk.stop());
  const change = (id, fields) => btk.api('PATCH', `/api/tasks/${id}`, fields);
  const read = async (id) => (await btk.api('GET', `/api/tasks/${id}`)).body;
  return { btk, receiver, change, read };
}

for (const payload of ['classic', 'full']) {
  const settings = { WEBHOOK_PAYLOAD: payload };

  test(`route and answer, ${payload}: a created task is taken up, and no webhook follows`, async (t) => {
    const { btk, receiver, read } = await pair(t, settings);
    const scenario = filledIn('route-events-and-answer', btk);
    const task = await btk.task({ title: 'Say "hello"\nand\\more', priority: 'URGENT' });
    const hit = await receiver.next();
    assert.equal('origin' in hit.body, payload === 'full');

    const { ran, requests } = await run(scenario, { bundle: bundleOf(hit) });
    assert.deepEqual(ran, [2, 3]);
    assert.equal(requests[0].data.result, 'updated');
    assert.equal((await read(task.id)).status, 'IN_PROGRESS');
    const { body: deliveries } = await btk.api('GET', '/api/deliveries?webhookId=default');
    assert.deepEqual(deliveries.map(({ event }) => event), ['task_created']);
  });

  test(`route and answer, ${payload}: a run that Make repeats changes nothing more`, async (t) => {
    const { btk, receiver, change, read } = await pair(t, settings);
    const scenario = filledIn('route-events-and-answer', btk);
    const task = await btk.task({ title: 'Repeat me' });
    const bundle = bundleOf(await receiver.next());
    await run(scenario, { bundle });
    await change(task.id, { status: 'CANCELLED' });

    const { requests } = await run(scenario, { bundle });
    assert.equal(requests[0].data.result, 'duplicate');
    assert.equal((await read(task.id)).status, 'CANCELLED');
  });

  test(`route and answer, ${payload}: an answer that comes too late changes nothing`, async (t) => {
    const { btk, receiver, change, read } = await pair(t, settings);
    const scenario = filledIn('route-events-and-answer', btk);
    const task = await btk.task({ title: 'Done meanwhile' });
    const bundle = bundleOf(await receiver.next());
    await change(task.id, { status: 'DONE' });

    const { requests } = await run(scenario, { bundle });
    assert.equal(requests[0].data.result, 'ignored');
    assert.equal((await read(task.id)).status, 'DONE');
  });

  test(`route and answer, ${payload}: a finished task loses its priority, another status does nothing`, async (t) => {
    const { btk, receiver, change, read } = await pair(t, settings);
    const scenario = filledIn('route-events-and-answer', btk);
    const task = await btk.task({ title: 'Finish me', priority: 'HIGH' });
    await receiver.next();
    await change(task.id, { status: 'CANCELLED' });
    assert.deepEqual((await run(scenario, { bundle: bundleOf(await receiver.next()) })).ran, [2]);
    await change(task.id, { status: 'DONE' });

    const { ran } = await run(scenario, { bundle: bundleOf(await receiver.next()) });
    assert.deepEqual(ran, [2, 4]);
    const after = await read(task.id);
    assert.deepEqual([after.status, after.priority], ['DONE', 'LOW']);
  });

  test(`route and answer, ${payload}: an open task that becomes urgent is taken up`, async (t) => {
    const { btk, receiver, change, read } = await pair(t, settings);
    const scenario = filledIn('route-events-and-answer', btk);
    const task = await btk.task({ title: 'Hurry' });
    await receiver.next();
    await change(task.id, { title: 'Hurry up' });
    assert.deepEqual((await run(scenario, { bundle: bundleOf(await receiver.next()) })).ran, [2]);
    await change(task.id, { priority: 'URGENT' });

    const { ran } = await run(scenario, { bundle: bundleOf(await receiver.next()) });
    assert.deepEqual(ran, [2, 5]);
    assert.equal((await read(task.id)).status, 'IN_PROGRESS');
  });

  test(`route and answer, ${payload}: a deletion asks for a review, that of the review does not`, async (t) => {
    const { btk, receiver, read } = await pair(t, settings);
    const scenario = filledIn('route-events-and-answer', btk);
    const task = await btk.task({ title: 'Remove me' });
    await receiver.next();
    await btk.api('DELETE', `/api/tasks/${task.id}`);
    const { ran } = await run(scenario, { bundle: bundleOf(await receiver.next()) });
    assert.deepEqual(ran, [2, 6]);
    const review = await read(`review-${task.id}`);
    assert.deepEqual([review.title, review.category], [`Review deleted task ${task.id}`, 'REVIEW']);

    await btk.api('DELETE', `/api/tasks/${review.id}`);
    assert.deepEqual((await run(scenario, { bundle: bundleOf(await receiver.next()) })).ran, [2]);
  });
}

for (const payload of ['classic', 'full']) {
  test(`route and answer, ${payload}: a sample that is sent to test the webhook is let go`, async (t) => {
    const { btk, receiver } = await pair(t, { WEBHOOK_PAYLOAD: payload });
    const scenario = filledIn('route-events-and-answer', btk);
    for (const event of ['task_created', 'task_updated', 'task_status_changed', 'task_deleted']) {
      await btk.api('POST', '/api/webhooks/default/test', { event });
      const bundle = bundleOf(await receiver.next());
      assert.equal(bundle.event, event);
      assert.deepEqual((await run(scenario, { bundle })).ran, [2]);
    }
  });
}

test('route and answer: what Make itself changed is let go', async (t) => {
  const { btk, receiver } = await pair(t, { WEBHOOK_URL: '' });
  const made = await btk.api('POST', '/api/webhooks', { url: `${receiver.url}/all` });
  assert.equal(made.status, 201);
  const scenario = filledIn('route-events-and-answer', btk);

  await btk.task({ title: 'By a person' });
  const first = await run(scenario, { bundle: bundleOf(await receiver.next()) });
  assert.equal(first.requests[0].data.result, 'updated');
  const echo = await receiver.next();
  assert.deepEqual([echo.body.event, echo.body.origin], ['task_status_changed', 'incoming']);
  assert.deepEqual((await run(scenario, { bundle: bundleOf(echo) })).ran, [2]);
});

test('route and answer: no route takes what Make changed, each takes the same from others', async (t) => {
  const { btk, receiver } = await pair(t, { WEBHOOK_PAYLOAD: 'full' });
  const scenario = filledIn('route-events-and-answer', btk);
  const byMake = { 'X-BTK-Origin': 'make' };
  const { body: task } = await btk.api('POST', '/api/tasks', { title: 'By another scenario' }, byMake);
  const path = `/api/tasks/${task.id}`;
  await btk.api('PATCH', path, { priority: 'URGENT' }, byMake);
  await btk.api('PATCH', path, { status: 'DONE' }, byMake);
  await btk.api('DELETE', path, undefined, byMake);
  for (const route of [3, 5, 4, 6]) {
    const bundle = bundleOf(await receiver.next());
    assert.equal(bundle.origin, 'make');
    assert.deepEqual((await run(scenario, { bundle })).ran, [2]);
    assert.deepEqual((await run(scenario, { bundle: { ...bundle, origin: 'incoming' } })).ran, [2]);
    // The task is gone by now, so all but the last are refused; which module asked is what counts.
    const asked = await run(scenario, { bundle: { ...bundle, origin: 'api' } }).then(
      ({ ran }) => ran.at(-1),
      (error) => error.module,
    );
    assert.equal(asked, route);
  }
});

test('route and answer: a wrong secret ends the run, it does not pass unseen', async (t) => {
  const { btk, receiver } = await pair(t);
  const scenario = filledIn('route-events-and-answer', btk, { secret: 'not the secret' });
  await btk.task({ title: 'Anything' });
  const bundle = bundleOf(await receiver.next());
  await assert.rejects(run(scenario, { bundle }), (error) =>
    error instanceof RunFailed && error.response.data.error === 'Unauthorized: Invalid secret');
});

test('new task from a form: made with every character, once, and answered', async (t) => {
  const { btk, read } = await pair(t, { WEBHOOK_URL: '' });
  const scenario = filledIn('new-task-from-form', btk);
  const bundle = {
    submissionId: 'Sub 17/ü',
    title: 'He said "now" & left: 100 % + \\more',
    description: 'Line one\nLine "two"\r\n\tüñ 漢 {{1.title}} a=b&c=d',
  };
  const first = await run(scenario, { bundle });
  assert.deepEqual(first.ran, [2, 3, 4]);
  assert.equal(first.answer.status, '201');
  const { ok, taskId } = JSON.parse(first.answer.body);
  assert.equal(ok, true);
  const task = await read(taskId);
  assert.deepEqual([task.title, task.description, task.tags, task.status],
    [bundle.title, bundle.description, ['form'], 'OPEN']);

  const second = await run(scenario, { bundle });
  assert.equal(second.requests[0].data.result, 'duplicate');
  assert.deepEqual(second.answer, first.answer);
  assert.equal((await btk.api('GET', '/api/tasks')).body.length, 1);

  await run(scenario, { bundle: { ...bundle, submissionId: 'Sub 18' } });
  assert.equal((await btk.api('GET', '/api/tasks')).body.length, 2);
});

test('new task from a form: what a visitor sends makes no run fail', async (t) => {
  const { btk, read } = await pair(t, { WEBHOOK_URL: '' });
  const scenario = filledIn('new-task-from-form', btk);
  const send = (bundle) => run(scenario, { bundle });
  const blank = await send({ submissionId: '1', title: ' \n ' });
  assert.equal(blank.answer.status, '400');
  const large = { submissionId: 'x'.repeat(1_000), title: '😀'.repeat(600), description: '漢'.repeat(70_000) };
  const { answer } = await send(large);
  assert.equal(answer.status, '201');
  const { title, description } = await read(JSON.parse(answer.body).taskId);
  assert.deepEqual([title.length, description.length], [500, 16_000]);
  // The same submission with another text is news.
  for (const text of ['first', 'second']) assert.equal((await send({ ...large, title: text })).answer.status, '201');
  assert.equal((await btk.api('GET', '/api/tasks')).body.length, 3);
});

test('route events: an event that somebody has made up does not reach beyond its field', async (t) => {
  const { btk, read } = await pair(t);
  const scenario = filledIn('route-events-and-answer', btk);
  const task = await btk.task({ title: 'Mine' });
  const made = { ...task, id: `${task.id}","title":"Yours","x":"` };
  for (const event of ['task_created', 'task_deleted']) {
    await run(scenario, { bundle: { event, task: made } }).catch((error) => assert.ok(error instanceof RunFailed));
  }
  assert.equal((await read(task.id)).title, 'Mine');
});

test('route events: a deleted task with the longest ID gets its review', async (t) => {
  const { btk, receiver, read } = await pair(t);
  const scenario = filledIn('route-events-and-answer', btk);
  const id = 'a'.repeat(128);
  const made = { event: 'task_created', task: { id, title: 'Long' } };
  const headers = { 'X-Webhook-Secret': SECRET };
  assert.equal((await btk.api('POST', '/api/incoming-webhook', made, headers)).status, 200);
  await btk.api('DELETE', `/api/tasks/${id}`);
  await run(scenario, { bundle: bundleOf(await receiver.next()) });
  assert.equal((await read(`review-${'a'.repeat(121)}`)).category, 'REVIEW');
});

test('new task from a form: without a description it is made, without id or title it is refused', async (t) => {
  const { btk, read } = await pair(t, { WEBHOOK_URL: '' });
  const scenario = filledIn('new-task-from-form', btk);
  for (const bundle of [{ title: 'No id' }, { submissionId: '1', title: '' }, {}]) {
    const { ran, answer, requests } = await run(scenario, { bundle });
    assert.deepEqual([ran, requests], [[2, 5], []]);
    assert.deepEqual([answer.status, JSON.parse(answer.body).ok], ['400', false]);
  }
  const { answer } = await run(scenario, { bundle: { submissionId: '1', title: 'Short' } });
  assert.equal((await read(JSON.parse(answer.body).taskId)).description, null);
});

test('daily digest: what is due today or before, open or in progress, as one list', async (t) => {
  const { btk } = await pair(t, { WEBHOOK_URL: '' });
  const scenario = filledIn('daily-digest-of-due-tasks', btk);
  const now = new Date('2026-12-01T23:30:00Z');
  const quiet = await run(scenario, { now });
  assert.deepEqual([quiet.ran, quiet.mails], [[1, 2], []]);

  const tasks = [
    { title: 'Late today "quoted"', dueDate: '2026-12-01T23:59:59.999Z', priority: 'HIGH' },
    { title: 'Overdue', dueDate: '2026-11-03' },
    { title: 'Under way', dueDate: '2026-12-01', status: 'IN_PROGRESS', priority: 'URGENT' },
    { title: 'Tomorrow', dueDate: '2026-12-02' },
    { title: 'Done', dueDate: '2026-11-30', status: 'DONE' },
    { title: 'Some day' },
  ];
  for (const task of tasks) await btk.task(task);

  const { ran, mails, requests } = await run(scenario, { now });
  assert.deepEqual(ran, [1, 2, 3, 4, 5]);
  assert.equal(new URL(requests[0].url).search, '?status=OPEN&dueBefore=2026-12-02&sort=dueDate&limit=1000');
  assert.equal(mails.length, 1);
  assert.equal(mails[0].subject, 'Tasks due by 2026-12-01: 3');
  assert.equal(mails[0].text, [
    '- Overdue (due 2026-11-03, NORMAL, OPEN)',
    '- Late today "quoted" (due 2026-12-01, HIGH, OPEN)',
    '- Under way (due 2026-12-01, URGENT, IN_PROGRESS)',
    '',
    `${btk.url}/`,
  ].join('\n'));
});

/** The same event twice from a real btk: the first answer is a 503, so it is sent again under its id. */
async function sentTwice(t, payload) {
  let seen = 0;
  const found = await pair(t, { WEBHOOK_PAYLOAD: payload }, () => ({ status: (seen += 1) === 1 ? 503 : 200 }));
  await found.btk.task({ title: 'Once' });
  const hits = [await found.receiver.next(), await found.receiver.next()];
  assert.equal(hits[0].headers['webhook-id'], hits[1].headers['webhook-id']);
  return { ...found, hits };
}

for (const [payload, withHeaders] of [['full', false], ['full', true], ['classic', true]]) {
  const how = withHeaders ? 'with' : 'without';
  test(`deduplicate, ${payload} ${how} request headers: a repeated event acts once`, async (t) => {
    const { btk, hits, receiver, change } = await sentTwice(t, payload);
    const other = await startReceiver();
    t.after(() => other.close());
    const scenario = filledIn('deduplicate-by-webhook-id', btk, { other });
    const store = new Map();

    const ran = [];
    for (const hit of hits) ran.push((await run(scenario, { bundle: bundleOf(hit, { withHeaders }), store })).ran);
    assert.deepEqual(ran, [[2, 3, 4], [2]]);
    const id = hits[0].headers['webhook-id'];
    const { task } = hits[0].body;
    assert.deepEqual([...store.keys()], [id]);
    assert.deepEqual([store.get(id).event, store.get(id).taskId], ['task_created', task.id]);
    assert.equal(other.hits.length, 1);
    assert.deepEqual(other.hits[0].body, { event: 'task_created', taskId: task.id, status: 'OPEN' });
    assert.equal(other.hits[0].headers['idempotency-key'], id);

    await change(task.id, { status: 'DONE' });
    await run(scenario, { bundle: bundleOf(await receiver.next(), { withHeaders }), store });
    assert.deepEqual([store.size, other.hits.length], [2, 2]);
  });
}

test('deduplicate: what could not be done is not remembered as done', async (t) => {
  const { btk, hits } = await sentTwice(t, 'full');
  const other = await startReceiver(() => ({ status: other.hits.length === 0 ? 503 : 200 }));
  t.after(() => other.close());
  const scenario = filledIn('deduplicate-by-webhook-id', btk, { other });
  const store = new Map();
  await assert.rejects(run(scenario, { bundle: bundleOf(hits[0]), store }), RunFailed);
  assert.equal(store.size, 0);
  assert.deepEqual((await run(scenario, { bundle: bundleOf(hits[1]), store })).ran, [2, 3, 4]);
  assert.equal(other.hits.length, 2);
});

test('deduplicate: classic without request headers has no id and says so', async (t) => {
  const { btk, hits } = await sentTwice(t, 'classic');
  const scenario = filledIn('deduplicate-by-webhook-id', btk);
  await assert.rejects(run(scenario, { bundle: bundleOf(hits[0]) }), /without a key/);
});
