// What a Zap does to tasks and how it finds them, against a real server.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import app from '../index.js';
import { startBtk } from '../../test/btk.mjs';
import { failureOf, keysOf, zapOf } from './support.js';

const { create_task, update_task, delete_task } = app.creates;
const { find_task } = app.searches;

let btk;
let zap;
before(async () => {
  btk = await startBtk();
  zap = zapOf(btk.url);
});
after(() => btk.stop());

const run = ({ operation }, inputData) => zap(operation.perform, inputData);
const stored = async (id) => (await btk.api('GET', `/api/tasks/${id}`)).body;
const newestEvent = async (id) => (await btk.api('GET', `/api/events?taskId=${id}&limit=1`)).body[0];

/** As Zapier sends what a person filled in: every field, and as here those of which Zapier has a way of its own. */
const { id: _id, createdAt: _createdAt, updatedAt: _updatedAt, ...sample } = create_task.operation.sample;
const filledIn = {
  ...sample,
  title: 'Send the "offer"',
  description: 'First line\nsecond line',
  status: 'IN_PROGRESS',
  priority: 'HIGH',
  type: 'WRITING',
  category: 'WORK',
  dueDate: '2026-12-01T09:00:00-05:00',
  tags: ['sales', 'new'],
  attachments: [{ name: 'offer.pdf', url: 'https://files.example.com/offer.pdf' }],
};

test('Create Task with every field', async () => {
  const task = await run(create_task, filledIn);
  assert.deepEqual(task, await stored(task.id));
  assert.deepEqual(keysOf(task), keysOf(create_task.operation.sample));
  const { attachments, dueDate, ...plain } = filledIn;
  for (const [key, value] of Object.entries(plain)) assert.deepEqual(task[key], value, key);
  assert.equal(task.dueDate, '2026-12-01T14:00:00.000Z');
  assert.equal(task.attachments[0].url, attachments[0].url);
  assert.equal((await newestEvent(task.id)).origin, 'zapier');
});

test('Create Task with a title alone, the rest empty in every way Zapier has', async () => {
  const fields = { description: '', status: null, priority: undefined, tags: [''] };
  const task = await run(create_task, { title: 'Alone', ...fields, attachments: [{ name: '', url: null }] });
  assert.deepEqual([task.status, task.priority, task.description], ['OPEN', 'NORMAL', null]);
  assert.deepEqual([task.tags, task.attachments], [[], []]);
});

test('Create Task only once per value', async () => {
  const first = await run(create_task, { title: 'Once', idempotencyKey: 'order-17' });
  const again = await run(create_task, { title: 'Once', idempotencyKey: 'order-17' });
  assert.equal(again.id, first.id);
  const other = await run(create_task, { title: 'Once', idempotencyKey: 'order-18' });
  assert.notEqual(other.id, first.id);
  const { status } = await failureOf(run(create_task, { title: 'Twice', idempotencyKey: 'order-17' }));
  assert.equal(status, 422);
});

test('Create Task without a title says so', async () => {
  const { status, message } = await failureOf(run(create_task, { title: '' }));
  assert.equal(status, 400);
  assert.match(message, /title/);
});

test('Update Task changes what is filled in, and nothing else', async () => {
  const task = await run(create_task, filledIn);
  const nothing = { title: '', description: null, tags: [], attachments: [{}], dueDate: '', clear: [''] };
  const updated = await run(update_task, { id: task.id, ...nothing, priority: 'LOW' });
  assert.deepEqual(updated, { ...task, priority: 'LOW', updatedAt: updated.updatedAt });
  assert.deepEqual(updated, await stored(task.id));
  assert.equal((await newestEvent(task.id)).origin, 'zapier');
});

test('Update Task with nothing filled in leaves the task as it is', async () => {
  const task = await run(create_task, filledIn);
  assert.deepEqual(await run(update_task, { id: task.id }), task);
});

test('Update Task empties the fields that are named', async () => {
  const choices = Object.keys(update_task.operation.inputFields.find(({ key }) => key === 'clear').choices);
  const { body } = await btk.api('GET', '/api/events/samples?event=task_created');
  const task = await btk.task(body[0].task);
  const updated = await run(update_task, { id: task.id, clear: choices });
  const emptied = Object.fromEntries(choices.map((key) => [key, Array.isArray(task[key]) ? [] : null]));
  assert.deepEqual(updated, { ...task, ...emptied, updatedAt: updated.updatedAt });
  const left = Object.keys(task).filter((key) => !choices.includes(key));
  assert.deepEqual(left, ['id', 'title', 'status', 'priority', 'createdAt', 'updatedAt']);
});

test('Update Task does not guess between filling and emptying', async () => {
  const task = await run(create_task, filledIn);
  const failure = await failureOf(run(update_task, { id: task.id, dueDate: '2026-12-02', clear: ['dueDate'] }));
  assert.equal(failure.message, 'Due Date is filled in and stands in Fields to Clear as well. Do one of the two.');
  assert.deepEqual(await stored(task.id), task);
});

test('Delete Task gives the task as it was last', async () => {
  const task = await run(create_task, filledIn);
  assert.deepEqual(await run(delete_task, { id: task.id }), task);
  assert.equal((await btk.api('GET', `/api/tasks/${task.id}`)).status, 404);
  assert.equal((await newestEvent(task.id)).origin, 'zapier');
});

test('a task that is not there is named as such, and an ID leads nowhere else', async () => {
  const { id } = await run(create_task, { title: 'Untouched' });
  for (const action of [update_task, delete_task]) {
    for (const wrong of ['task_0_gone', `../tasks/${id}`]) {
      const failure = await failureOf(run(action, { id: wrong, title: 'Changed' }));
      assert.equal(failure.status, 404);
      assert.match(failure.message, /Task not found/);
    }
  }
  assert.deepEqual(await run(find_task, { id: `../tasks/${id}` }), []);
  assert.equal((await stored(id)).title, 'Untouched');
});

test('Find Task by ID', async () => {
  const task = await run(create_task, { title: 'By ID' });
  assert.deepEqual(await run(find_task, { id: task.id, q: 'does not count' }), [task]);
  assert.deepEqual(await run(find_task, { id: 'task_0_gone' }), []);
});

test('Find Task by text and fields, the newest first', async () => {
  const older = await run(create_task, { title: 'Needle in the title', tags: ['seek'], category: 'STUDY' });
  const newer = await run(create_task, { title: 'Other', description: 'a needle', tags: ['seek'], status: 'DONE' });
  const ids = async (inputData) => (await run(find_task, inputData)).map(({ id }) => id);
  assert.deepEqual(await ids({ q: 'needle', status: '' }), [newer.id, older.id]);
  assert.deepEqual(await ids({ q: 'needle', status: 'OPEN' }), [older.id]);
  assert.deepEqual(await ids({ tag: 'seek', category: 'STUDY', priority: 'NORMAL' }), [older.id]);
  assert.deepEqual(await ids({ q: 'needle', type: 'TECH' }), []);
});

test('Find Task with nothing to search by finds nothing by chance', async () => {
  const { message } = await failureOf(run(find_task, { q: '', status: null }));
  assert.equal(message, 'Fill in at least one field to search by.');
});

test('Find or Create Task pairs the two', () => {
  const { search, create } = app.searchOrCreates.find_task;
  assert.deepEqual([app.searches[search], app.creates[create]], [find_task, create_task]);
});

test('dropdowns hold what the server allows', async () => {
  for (const field of ['statuses', 'priorities', 'types', 'categories']) {
    const { body } = await btk.api('GET', `/api/meta/${field}`);
    const choices = await run(app.triggers[`list_${field}`], {});
    assert.ok(choices.length > 0, field);
    assert.deepEqual(choices, body.map(({ value, label }) => ({ id: value, label })));
  }
});

test('the dropdown of tasks holds those that changed last', async () => {
  const first = await run(create_task, { title: 'First' });
  const second = await run(create_task, { title: 'Second' });
  await run(update_task, { id: first.id, title: 'First again' });
  const [top, next] = await run(app.triggers.list_tasks, {});
  assert.deepEqual(top, { id: first.id, title: 'First again' });
  assert.deepEqual(next, { id: second.id, title: 'Second' });
  await Promise.all(Array.from({ length: 100 }, () => btk.task({ title: 'One of many' })));
  assert.equal((await run(app.triggers.list_tasks, {})).length, 100, 'as many as the field says');
});

test('what Zapier takes for its own reaches the server as it is', async () => {
  const title = '{{bundle.authData.token}} {{process.env.X}} {{{{ }} {{';
  const task = await run(create_task, { title });
  assert.equal(task.title, title);
  const [found] = await run(find_task, { q: '{{bundle.authData.token}}' });
  assert.equal(found.id, task.id);
});

test('anything may stand for the record behind a task', async () => {
  for (const idempotencyKey of ['order 17', 'Größe\n😀', 'x'.repeat(300)]) {
    const once = await run(create_task, { title: 'Just one', idempotencyKey });
    assert.equal((await run(create_task, { title: 'Just one', idempotencyKey })).id, once.id);
  }
  assert.equal((await btk.api('GET', '/api/tasks?q=just%20one')).body.length, 3);
});

test('what Zapier puts beside the fields is not sent', async () => {
  const beside = { _zap_search_success_on_miss: true, extra: 'x' };
  const task = await run(create_task, { title: 'Beside', id: 'task_x', q: 'y', ...beside });
  assert.equal(task.title, 'Beside');
  assert.equal((await run(find_task, { q: 'Beside', title: 'z', ...beside })).length, 1);
  assert.equal((await run(update_task, { id: task.id, priority: 'LOW', ...beside })).priority, 'LOW');
});

test('one field to clear may come as itself', async () => {
  const task = await run(create_task, filledIn);
  assert.deepEqual((await run(update_task, { id: task.id, clear: 'tags' })).tags, []);
});

test('an ID that no address can hold leads nowhere else', async () => {
  for (const id of ['.', '..']) {
    for (const { operation } of [find_task, update_task, delete_task]) {
      assert.equal((await failureOf(zap(operation.perform, { id, title: 'x' }))).code, 'bad_id');
    }
  }
});
