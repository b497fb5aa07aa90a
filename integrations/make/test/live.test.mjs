// The app against a real server: every module, every RPC, the connection, and the life of a webhook.
//
// Parameters go through Make's form first, as they do in Make, so that what a user leaves empty is what the app gets.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startBtk, startReceiver } from '../../test/btk.mjs';
import { component } from './app.mjs';
import { EMPTY_TEXT, ERASE, fill } from './form.mjs';
import { attach, connect, detach, receive, runModule, runRpc } from './run.mjs';

const SECRET = 'a secret of the tests';
const btk = await startBtk({ WEBHOOK_SECRET: SECRET });
const make = await startReceiver();
after(async () => {
  await btk.stop();
  await make.close();
});
const { data: connection } = await connect({ baseUrl: `${btk.url}/`, apiToken: btk.token });

/** Runs a module with what a user filled in. */
const use = (id, values) => runModule(id, connection, fill(component('module', id).mappableParams, values));

/** The sample has every field; here stand those whose form in Make, or whose way to the server, is of interest. */
const { id: _id, createdAt: _createdAt, updatedAt: _updatedAt, ...SAMPLE } = component('module', 'createTask').samples;
const FULL = {
  ...SAMPLE,
  title: 'Send the offer',
  description: 'With prices',
  type: 'WRITING',
  category: 'WORK',
  status: 'IN_PROGRESS',
  priority: 'HIGH',
  dueDate: '2026-12-01T10:00:00+01:00',
  tags: ['sales', 'offer'],
  attachments: [
    { name: 'a.pdf', url: 'https://example.org/a.pdf', type: 'application/pdf', size: 7 },
    { name: 'b', url: 'https://example.org/b' },
  ],
};

// --- Connection ---

test('a connection shows the name of the server and keeps its address without a slash', async () => {
  const { data, metadata } = await connect({ baseUrl: `${btk.url}//`, apiToken: btk.token });
  assert.deepEqual(metadata, { type: 'text', value: 'BTK-System' });
  assert.deepEqual(data, { baseUrl: btk.url, apiToken: btk.token });
});

test('a wrong token is no connection', async () => {
  await assert.rejects(connect({ baseUrl: btk.url, apiToken: 'wrong' }), (error) => {
    assert.equal(error.type, 'InvalidAccessTokenError');
    assert.match(error.message, /^\[401\] \S+ .*Authorization: Bearer/);
    return true;
  });
});

test('even if the address was kept with a slash, everything works', async () => {
  const slashed = { ...connection, baseUrl: `${btk.url}/` };
  const webhook = await attach(slashed, { url: `${make.url}/slash` }, { events: ['task_deleted'] });
  await detach(slashed, webhook);
  assert.equal((await runRpc('listStatuses', slashed)).length, 4);
});

// --- RPCs ---

test('the lists to choose from are those of the server', async () => {
  for (const name of ['Statuses', 'Priorities', 'Types', 'Categories', 'Events']) {
    const options = await runRpc(`list${name}`, connection);
    assert.ok(options.length >= 4, name);
    assert.deepEqual(options, (await btk.api('GET', `/api/meta/${name.toLowerCase()}`)).body);
  }
});

test('the ID finder finds tasks by a part of the title', async () => {
  const { id } = await btk.task({ title: 'Finder: the needle' });
  const found = await runRpc('findTasks', connection, { query: 'NEEDLE' });
  assert.deepEqual(found, [{ label: 'Finder: the needle', value: id }]);
  assert.equal((await runRpc('findTasks', connection))[0].value, id, 'without keywords the last changed comes first');
});

// --- Actions ---

test('a task is created with all fields, read, changed and deleted', async () => {
  const made = await use('createTask', FULL);
  const { id, attachments } = made;
  for (const [name, value] of Object.entries(FULL)) {
    if (!['dueDate', 'attachments'].includes(name)) assert.deepEqual(made[name], value, name);
  }
  assert.equal(made.dueDate, '2026-12-01T09:00:00.000Z');
  assert.deepEqual(attachments.map(({ name, size }) => [name, size]), [['a.pdf', 7], ['b', null]]);
  assert.deepEqual((await btk.api('GET', `/api/tasks/${id}`)).body, made);
  assert.deepEqual(await use('getTask', { taskId: id }), made);

  const changed = await use('updateTask', { taskId: id, status: 'DONE', tags: ['x'] });
  assert.deepEqual(changed, { ...made, status: 'DONE', tags: ['x'], updatedAt: changed.updatedAt });

  assert.deepEqual(await use('deleteTask', { taskId: id }), changed);
  assert.equal((await btk.api('GET', `/api/tasks/${id}`)).status, 404);
});

test('only a title makes a task with the defaults of the server', async () => {
  const { title, status, priority, description, tags } = await use('createTask', { title: 'Just this' });
  assert.deepEqual([title, status, priority, description, tags], ['Just this', 'OPEN', 'NORMAL', null, []]);
});

test('a change leaves alone what is not filled in', async () => {
  const made = await use('createTask', FULL);
  const empties = Object.keys(FULL).map((name) => [name, ['tags', 'attachments'].includes(name) ? [] : '']);
  assert.deepEqual(await use('updateTask', { taskId: made.id, ...Object.fromEntries(empties) }), made);
  assert.deepEqual(await use('updateTask', { taskId: made.id }), made);
  // Past the form: these three have no empty state, so an empty value is never sent.
  for (const empty of ['', null]) {
    const parameters = { taskId: made.id, title: empty, status: empty, priority: empty };
    assert.deepEqual(await runModule('updateTask', connection, parameters), made);
  }
});

test('erase and an empty text clear each field that may be empty', async () => {
  const clearable = Object.keys(FULL).filter((name) => !['title', 'status', 'priority'].includes(name));
  const texts = ['description', 'type', 'category'];
  for (const [pill, names] of [[ERASE, clearable], [EMPTY_TEXT, texts]]) {
    const { id } = await use('createTask', FULL);
    const cleared = await use('updateTask', { taskId: id, ...Object.fromEntries(names.map((name) => [name, pill])) });
    for (const name of names) assert.deepEqual(cleared[name], Array.isArray(FULL[name]) ? [] : null, name);
    assert.deepEqual([cleared.title, cleared.status], [FULL.title, FULL.status]);
  }
});

test('the same idempotency key makes one task, without one each run makes its own', async () => {
  const first = await use('createTask', { title: 'Once', idempotencyKey: 'order-17' });
  assert.deepEqual(await use('createTask', { title: 'Once', idempotencyKey: 'order-17' }), first);
  const other = use('createTask', { title: 'Other', idempotencyKey: 'order-17' });
  await assert.rejects(other, { type: 'DataError', status: 422 });
  for (const empty of ['', null]) {
    const again = await runModule('createTask', connection, { title: 'Once', idempotencyKey: empty });
    assert.notEqual(again.id, first.id);
  }
});

test('what a module changes is marked as from Make', async () => {
  const { id } = await use('createTask', { title: 'Marked' });
  await use('updateTask', { taskId: id, priority: 'LOW' });
  await use('deleteTask', { taskId: id });
  const body = JSON.stringify({ title: 'Marked by a call' });
  const { body: called } = await use('makeApiCall', { url: '/api/tasks', method: 'POST', body });
  const events = (await btk.api('GET', `/api/events?taskId=${id}`)).body;
  const [event] = (await btk.api('GET', `/api/events?taskId=${called.id}`)).body;
  assert.deepEqual([...events, event].map(({ origin }) => origin), ['make', 'make', 'make', 'make']);
});

test('errors say what is wrong and what is allowed', async () => {
  const failing = (id, values, message) => assert.rejects(use(id, values), { type: 'DataError', message });
  await failing('getTask', { taskId: 'task_none' }, /^\[404\] Task not found$/);
  await failing('updateTask', { taskId: 'task_none', title: 'x' }, /^\[404\] Task not found$/);
  await failing('deleteTask', { taskId: 'task_none' }, /^\[404\] Task not found$/);
  await failing('createTask', { title: 'x', status: 'CLOSED' }, /^\[400\] status "CLOSED" .* use one of OPEN,/);
  await failing('createTask', { title: 'x', type: 'two words' }, /^\[400\] type/);
  await failing('createTask', { title: 'x', tags: ['a', ''] }, /^\[400\] tags\[1\] is empty/);
  await failing('createTask', { title: 'x', attachments: [{ name: 'a' }] }, /^\[400\] attachments\[0\]\.url/);
  await failing('makeApiCall', { url: '/api/none', method: 'GET' }, /^\[404\] /);
  const revoked = { ...connection, apiToken: 'revoked' };
  const refused = runModule('getTask', revoked, { taskId: 'x' });
  await assert.rejects(refused, { type: 'InvalidAccessTokenError', status: 401 });
});

// --- Search ---

test('a search filters, sorts and keeps to its limit', async () => {
  const labels = { priority: 'URGENT', type: 'LEARNING', category: 'STUDY' };
  for (const [title, due] of [['Search b', '2026-01-02'], ['Search a', '2026-01-01'], ['Search c', '2026-01-03']]) {
    await btk.task({ title, dueDate: due, tags: ['searched'], ...labels });
  }
  const titles = async (values) => (await use('searchTasks', { tag: 'searched', ...values })).map(({ title }) => title);
  assert.deepEqual(await titles({}), ['Search b', 'Search a', 'Search c']);
  assert.deepEqual(await titles({ sort: 'title' }), ['Search a', 'Search b', 'Search c']);
  assert.deepEqual(await titles({ sort: '-dueDate', limit: 2 }), ['Search c', 'Search b']);
  assert.deepEqual(await titles({ q: 'B search' }), ['Search b']);
  assert.deepEqual(await titles({ dueAfter: '2026-01-02T01:00:00+01:00', dueBefore: '2026-01-03' }), ['Search b']);
  assert.deepEqual(await titles({ status: 'OPEN', ...labels, limit: 1 }), ['Search b']);
  assert.deepEqual(await titles({ updatedSince: '2100-01-01' }), []);
  assert.deepEqual(await titles({ status: 'DONE' }), []);
  const { options } = component('module', 'searchTasks').mappableParams.find(({ name }) => name === 'sort');
  for (const { value } of options) assert.equal((await titles({ sort: value })).length, 3, value);
});

test('a search without a limit goes through all pages, each task once', async () => {
  const body = Array.from({ length: 1003 }, (_, number) => ({ title: `Page ${number}`, tags: ['paged'] }));
  for (let start = 0; start < body.length; start += 50) {
    await Promise.all(body.slice(start, start + 50).map((task) => btk.task(task)));
  }
  const log = [];
  const ids = (await runModule('searchTasks', connection, { tag: 'paged' }, log)).map(({ id }) => id);
  assert.deepEqual([ids.length, new Set(ids).size, log.length], [1003, 1003, 3]);
  assert.equal((await use('searchTasks', { tag: 'paged' })).length, 10, 'the form starts with a limit of 10');
  assert.equal((await use('searchTasks', { tag: 'paged', limit: 600 })).length, 600);
});

// --- API call ---

test('an API call reaches any address and gives body, headers and status', async () => {
  const { id } = await btk.task({ title: 'Called', tags: ['called'] });
  const query = { qs: [{ key: 'tag', value: 'called' }, { key: 'limit', value: '1' }] };
  const listed = await use('makeApiCall', { url: '/api/tasks', method: 'GET', ...query });
  assert.deepEqual([listed.statusCode, listed.body[0].id, listed.headers['x-total-count']], [200, id, '1']);
  const headers = [{ key: 'If-Match', value: '"1"' }];
  const put = { url: `api/tasks/${id}`, method: 'PUT', body: '{"status":"DONE"}', headers };
  await assert.rejects(use('makeApiCall', put), { status: 415 }, 'the type of the body is for the user to say');
  headers.push({ key: 'Content-Type', value: 'application/json' });
  assert.equal((await use('makeApiCall', put)).body.status, 'DONE');
  await assert.rejects(use('makeApiCall', put), { type: 'DataError', status: 412 });
});

// --- Webhook ---

const subscribe = (path, values, log) =>
  attach(connection, { url: make.url + path }, fill(component('webhook', 'taskEvents').params, values), log);
/** All deliveries of a webhook: what it is sent is decided in the moment of the change. */
const delivered = async ({ externalHookId: id }) => (await btk.api('GET', `/api/deliveries?webhookId=${id}`)).body;
const listed = async (path) => (await btk.api('GET', `/api/webhooks?url=${encodeURIComponent(make.url + path)}`)).body;

test('a webhook is attached, brings events as bundles, and is detached', async () => {
  const log = [];
  const webhook = await subscribe('/life', { events: ['task_created', 'task_deleted'] }, log);
  assert.match(webhook.secret, /^whsec_/);
  assert.doesNotMatch(JSON.stringify(log), new RegExp(`whsec_|${btk.token}|/life`), 'the log hides what is secret');
  const [there] = await listed('/life');
  assert.deepEqual([there.id, there.source, there.payload], [webhook.externalHookId, 'make', 'full']);

  const task = await btk.task(FULL);
  await btk.api('PUT', `/api/tasks/${task.id}`, { title: 'Not asked for' });
  await btk.api('DELETE', `/api/tasks/${task.id}`);
  const hits = [await make.next(), await make.next()];
  const { interface: promised } = component('module', 'watchEvents');
  for (const hit of hits) {
    const { answer, bundle } = receive(hit);
    assert.equal(answer.status, 200);
    assert.deepEqual(Object.keys(bundle), promised.map(({ name }) => name));
  }
  assert.deepEqual(hits.map(({ body }) => body.event), ['task_created', 'task_deleted']);
  assert.deepEqual(receive(hits[0]).bundle.task, task);

  await detach(connection, webhook);
  assert.deepEqual(await listed('/life'), []);
  await detach(connection, webhook);
});

test('attached twice it is one webhook', async () => {
  const first = await subscribe('/twice', { events: ['task_created'] });
  const second = await subscribe('/twice', { events: ['task_created'] });
  assert.equal(second.externalHookId, first.externalHookId);
  assert.equal((await listed('/twice')).length, 1);
  await detach(connection, second);
});

test('changes made by Make do not come back, unless one wants them', async () => {
  const quiet = await subscribe('/quiet', { events: ['task_created'] });
  const loud = await subscribe('/loud', { events: ['task_created'], skipOwnChanges: false });
  assert.deepEqual((await listed('/quiet'))[0].ignoreOrigin, ['make']);
  assert.deepEqual((await listed('/loud'))[0].ignoreOrigin, []);
  await use('createTask', { title: 'By Make' });
  await btk.task({ title: 'By hand' });
  const hits = [await make.next(), await make.next(), await make.next()];
  const arrived = hits.map(({ path, body }) => `${path} ${body.task.title} ${body.origin}`);
  assert.deepEqual(arrived.sort(), ['/loud By Make make', '/loud By hand api', '/quiet By hand api']);
  assert.equal((await delivered(quiet)).length, 1);
  await detach(connection, quiet);
  await detach(connection, loud);
});

test('a webhook with filters gets only what fits', async () => {
  const filters = { status: ['OPEN'], priority: ['HIGH', 'URGENT'], type: ['TECH'], category: ['WORK'], tag: ['hot'] };
  const webhook = await subscribe('/filter', { events: ['task_created'], ...filters });
  assert.deepEqual((await listed('/filter'))[0].filter, filters);
  await btk.task({ title: 'Too low', type: 'TECH', category: 'WORK', tags: ['hot'] });
  const fits = await btk.task({ title: 'Fits', type: 'TECH', category: 'WORK', tags: ['hot'], priority: 'URGENT' });
  assert.equal((await make.next()).body.task.id, fits.id);
  assert.equal((await delivered(webhook)).length, 1);
  await detach(connection, webhook);
});

test('a webhook that cannot be made says why', async () => {
  await assert.rejects(subscribe('/none', { events: ['task_exploded'] }), { message: /^\[400\] .*task_exploded/ });
});

// --- Odd input ---

const ODD = [
  '"quoted" \\ \'single\'',
  'two\nlines\r\n\tand a tab',
  '{{parameters.taskId}} }} {{',
  '\u{1F4A1} ünï\u2028',
  '%2F&?#=+',
];

test('odd texts arrive as they were written', async () => {
  for (const text of [...ODD, '0', 'null', 'undefined', 'false']) {
    const made = await use('createTask', { title: `x${text}x`, description: text, tags: [text.trim()] });
    assert.deepEqual([made.title, made.description, made.tags], [`x${text}x`, text, [text.trim()]]);
    assert.deepEqual((await use('searchTasks', { q: `x${text}x` })).map(({ id }) => id), [made.id]);
    assert.equal((await use('updateTask', { taskId: made.id, title: text })).title, text.trim());
    assert.equal((await runRpc('findTasks', connection, { query: text }))[0].label, text.trim());
  }
});

test('an odd ID that an incoming webhook brought is found, changed and deleted', async () => {
  const taskId = 'a:b.c_d-e';
  const body = { event: 'task_created', task: { id: taskId, title: 'Odd' } };
  await btk.api('POST', '/api/incoming-webhook', body, { 'X-Webhook-Secret': SECRET });
  assert.equal((await use('getTask', { taskId })).id, taskId);
  assert.equal((await use('updateTask', { taskId, title: 'Odder' })).title, 'Odder');
  assert.equal((await use('deleteTask', { taskId })).title, 'Odder');
});

test('an ID stays one segment of the path, whatever it holds', async () => {
  const { externalHookId } = await subscribe('/path', { events: ['task_created'] });
  for (const taskId of [`../webhooks/${externalHookId}`, 'a/b', 'a?b', 'a#b', 'a%2Fb', 'ä b', '{{x}}', '..']) {
    await assert.rejects(use('getTask', { taskId }), { type: 'DataError', status: 404 }, taskId);
    await assert.rejects(use('deleteTask', { taskId }), { type: 'DataError', status: 404 }, taskId);
  }
  assert.equal((await listed('/path')).length, 1);
  await detach(connection, { externalHookId });
});
