// Each operation of the action node against a real server: the request that it makes, and what comes of it.
//
// It must not know how n8n shows a node; it gives parameters as a workflow stores them.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';

import { startBtk } from '../../test/btk.mjs';
import { fails } from './fails.mjs';
import { action, startN8n, trigger } from './host.mjs';

let btk;
let n8n;
before(async () => {
  btk = await startBtk();
  n8n = await startN8n({ address: `${btk.url}/`, apiToken: btk.token });
});
after(async () => {
  await n8n.stop();
  await btk.stop();
});
beforeEach(() => {
  n8n.log.length = 0;
});

const stored = async ({ id }) => (await btk.api('GET', `/api/tasks/${id}`)).body;
const request = () => {
  assert.equal(n8n.log.length, 1);
  const { method, path, query, body, headers, status } = n8n.log[0];
  return { method, path, query, body, origin: headers['X-BTK-Origin'], status };
};
const first = (output) => output[0].json;
describe('Create', () => {
  test('sends the title alone if nothing else is filled in', async () => {
    const task = first(await n8n.run({ operation: 'create', title: 'Send the offer' }));
    assert.deepEqual(request(), {
      method: 'POST',
      path: '/api/tasks',
      query: {},
      body: { title: 'Send the offer' },
      origin: 'n8n',
      status: 201,
    });
    assert.deepEqual(task, await stored(task));
    assert.equal(task.status, 'OPEN');
  });

  test('sends every field in the form of the API', async () => {
    const { body } = await btk.api('GET', '/api/events/samples?event=task_created');
    const { id, title, createdAt, updatedAt, ...sample } = body[0].task;
    const task = first(
      await n8n.run(
        {
          operation: 'create',
          title: 'Send the offer',
          additionalFields: {
            ...sample,
            attachments: {
              attachment: [
                { name: 'offer.pdf', url: 'https://files.example.com/offer.pdf', type: 'application/pdf', size: 48213 },
                { name: 'notes', url: 'https://files.example.com/notes', type: '', size: 0 },
              ],
            },
            category: 'WORK',
            description: 'Two pages',
            dueDate: '2026-12-01T10:00:00',
            priority: 'HIGH',
            status: 'IN_PROGRESS',
            tags: ' sales, q1 ,',
            type: 'WRITING',
          },
        },
        { timezone: 'Europe/Berlin' },
      ),
    );
    assert.deepEqual(request().body, {
      ...sample,
      title: 'Send the offer',
      attachments: [
        { name: 'offer.pdf', url: 'https://files.example.com/offer.pdf', type: 'application/pdf', size: 48213 },
        { name: 'notes', url: 'https://files.example.com/notes' },
      ],
      category: 'WORK',
      description: 'Two pages',
      dueDate: '2026-12-01T09:00:00.000Z',
      priority: 'HIGH',
      status: 'IN_PROGRESS',
      tags: ['sales', 'q1'],
      type: 'WRITING',
    });
    assert.deepEqual(task, await stored(task));
  });

  const moments = {
    '2026-12-01': '2026-12-01',
    '2026-12-01T10:00:00+05:00': '2026-12-01T05:00:00.000Z',
    '2026-12-01T10:00:00': '2026-12-01T15:00:00.000Z',
  };
  for (const [given, sent] of Object.entries(moments)) {
    test(`sends the due date ${given} of a workflow in New York as ${sent}`, async () => {
      const parameters = { operation: 'create', title: 'x', additionalFields: { dueDate: given } };
      await n8n.run(parameters, { timezone: 'America/New_York' });
      assert.equal(request().body.dueDate, sent);
    });
  }

  test('with an idempotency key is done once', async () => {
    const parameters = { operation: 'create', title: 'Order 17', additionalFields: { idempotencyKey: 'order-17' } };
    const once = first(await n8n.run(parameters));
    const again = first(await n8n.run(parameters));
    assert.equal(again.id, once.id);
    assert.deepEqual(
      n8n.log.map(({ headers, body }) => [headers['Idempotency-Key'], body]),
      [
        ['order-17', { title: 'Order 17' }],
        ['order-17', { title: 'Order 17' }],
      ],
    );
    await fails(n8n.run({ ...parameters, title: 'Order 18' }), (error) => assert.equal(error.httpCode, '422'));
  });
});

describe('Get, Update, Delete', () => {
  test('Get reads a task', async () => {
    const task = await btk.task({ title: 'x' });
    assert.deepEqual(first(await n8n.run({ operation: 'get', taskId: ` ${task.id}` })), task);
    assert.deepEqual(request(), {
      method: 'GET',
      path: `/api/tasks/${task.id}`,
      query: {},
      body: undefined,
      origin: undefined,
      status: 200,
    });
  });

  test('Update changes what is filled in, and nothing else', async () => {
    const task = await btk.task({ title: 'x', description: 'stays', tags: ['stays'], type: 'TECH' });
    const parameters = {
      operation: 'update',
      taskId: task.id,
      updateFields: { status: 'DONE', description: '', type: '', tags: '', dueDate: '', attachments: {} },
    };
    const changed = first(await n8n.run(parameters));
    assert.deepEqual(request(), {
      method: 'PATCH',
      path: `/api/tasks/${task.id}`,
      query: {},
      body: { status: 'DONE' },
      origin: 'n8n',
      status: 200,
    });
    assert.deepEqual(changed, { ...task, status: 'DONE', updatedAt: changed.updatedAt });
    assert.deepEqual(changed, await stored(task));
  });

  test('Update clears what is to be cleared', async () => {
    const { body } = await btk.api('GET', '/api/events/samples?event=task_created');
    const task = await btk.task(body[0].task);
    const { options } = action.description.properties.find(({ name }) => name === 'clearFields');
    const clearFields = options.map(({ value }) => value);
    const parameters = { operation: 'update', taskId: task.id, updateFields: { title: 'y' }, clearFields };
    const changed = first(await n8n.run(parameters));
    const nothing = Object.fromEntries(clearFields.map((name) => [name, null]));
    assert.deepEqual(request().body, { title: 'y', ...nothing });
    const { updatedAt } = changed;
    assert.deepEqual(changed, { ...task, ...nothing, title: 'y', attachments: [], tags: [], updatedAt });
    const left = Object.keys(task).filter((name) => !clearFields.includes(name));
    assert.deepEqual(left, ['id', 'title', 'status', 'priority', 'createdAt', 'updatedAt'], 'all that cannot be cleared');
  });

  test('Update asks the server nothing if there is nothing to change, or if it contradicts itself', async () => {
    const parameters = { operation: 'update', taskId: 'task_1', updateFields: { title: '' } };
    await fails(n8n.run(parameters), (error) => assert.equal(error.message, 'There is nothing to change'));
    const both = { operation: 'update', taskId: 'task_1', updateFields: { type: 'TECH' }, clearFields: ['type'] };
    await fails(n8n.run(both), (error) => assert.match(error.message, /^"type" has a value .* and is to be cleared$/));
    assert.deepEqual(n8n.log, []);
  });

  test('Delete tells what was deleted', async () => {
    const task = await btk.task({ title: 'x' });
    assert.deepEqual(first(await n8n.run({ operation: 'delete', taskId: task.id })), { deleted: true, task });
    assert.deepEqual(request(), {
      method: 'DELETE',
      path: `/api/tasks/${task.id}`,
      query: {},
      body: undefined,
      origin: 'n8n',
      status: 200,
    });
    assert.equal((await btk.api('GET', `/api/tasks/${task.id}`)).status, 404);
  });

  for (const operation of ['get', 'delete', 'update']) {
    test(`${operation} without an ID asks the server nothing`, async () => {
      const parameters = { operation, taskId: ' ', updateFields: { title: 'x' } };
      await fails(n8n.run(parameters), (error) => assert.equal(error.message, 'Task ID is empty'));
      assert.deepEqual(n8n.log, []);
    });
  }

  test('an ID is one part of the path, whatever it holds', async () => {
    await fails(n8n.run({ operation: 'get', taskId: '../webhooks?x' }), (error) => assert.equal(error.httpCode, '404'));
    assert.equal(request().path, '/api/tasks/..%2Fwebhooks%3Fx');
  });
});

describe('Get Many', () => {
  const MANY = 450;
  const titles = (output) => output.map(({ json }) => json.title);
  const pages = () => n8n.log.map(({ query }) => [query.limit, 'cursor' in query]);
  const named = (number) => `many ${String(number).padStart(3, '0')}`;
  const expected = (count) => Array.from({ length: count }, (_, number) => named(number));

  before(async () => {
    const numbers = Array.from({ length: MANY }, (_, number) => number);
    await Promise.all(numbers.map((number) => btk.task({ title: named(number), tags: ['many'] })));
  });

  test('returns all, page after page', async () => {
    const parameters = { operation: 'getAll', returnAll: true, filters: { tag: 'many' }, sort: 'title' };
    const output = await n8n.run(parameters);
    assert.deepEqual(titles(output), expected(MANY));
    assert.deepEqual(pages(), [
      ['200', false],
      ['200', true],
      ['200', true],
    ]);
    assert.ok(output.every(({ pairedItem }) => pairedItem.item === 0));
  });

  test('returns as many as the limit says', async () => {
    const parameters = { operation: 'getAll', limit: 250, filters: { tag: 'many' }, sort: 'title' };
    assert.deepEqual(titles(await n8n.run(parameters)), expected(250));
    assert.deepEqual(pages(), [
      ['200', false],
      ['50', true],
    ]);
  });

  test('asks for 50 unless told otherwise, oldest first', async () => {
    assert.equal((await n8n.run({ operation: 'getAll' })).length, 50);
    assert.deepEqual(request().query, { sort: 'createdAt', limit: '50' });
  });

  test('filters by everything the server can filter by', async () => {
    const fields = { title: 'a needle', status: 'DONE', priority: 'LOW', type: 'NEEDLE', category: 'HAY' };
    const task = await btk.task({ ...fields, tags: ['pin'], dueDate: '2027-03-01' });
    await btk.task({ ...fields, tags: ['pin'], dueDate: '2027-05-01' });
    const filters = {
      category: 'HAY',
      dueAfter: '2027-03-01',
      dueBefore: '2027-04-01T00:00:00',
      priority: 'LOW',
      q: 'a NEEDLE',
      status: 'DONE',
      tag: 'pin',
      type: 'NEEDLE',
      updatedSince: '2026-01-01T00:00:00Z',
    };
    const output = await n8n.run({ operation: 'getAll', filters, sort: '-dueDate' });
    assert.deepEqual(output.map(({ json }) => json), [task]);
    assert.deepEqual(request().query, {
      ...filters,
      dueBefore: '2027-04-01T00:00:00.000Z',
      updatedSince: '2026-01-01T00:00:00.000Z',
      sort: '-dueDate',
      limit: '50',
    });
  });

  test('a filter that is empty does not filter, and nothing found is no item', async () => {
    const filters = { q: 'there is no such task', status: '', tag: '', dueAfter: '' };
    assert.deepEqual(await n8n.run({ operation: 'getAll', filters }), []);
    assert.deepEqual(request().query, { q: 'there is no such task', sort: 'createdAt', limit: '50' });
  });

  test('every order that is offered is one of the server', async () => {
    const { options } = action.description.properties.find(({ name }) => name === 'sort');
    for (const { value } of options) {
      await n8n.run({ operation: 'getAll', limit: 1, sort: value });
    }
    assert.deepEqual(n8n.log.map(({ status }) => status), options.map(() => 200));
  });
});

describe('several items', () => {
  test('each is asked with its own values, and what comes of it is paired with it', async () => {
    const tasks = [await btk.task({ title: 'one' }), await btk.task({ title: 'two' })];
    const output = await n8n.run({ operation: 'get', taskId: '={{ $json.id }}' }, { items: tasks });
    assert.deepEqual(output, [
      { json: tasks[0], pairedItem: { item: 0 } },
      { json: tasks[1], pairedItem: { item: 1 } },
    ]);
  });

  test('on failure the error names its item', async () => {
    const task = await btk.task({ title: 'one' });
    const items = [{ id: task.id }, { id: 'nope' }];
    await fails(n8n.run({ operation: 'get', taskId: '={{ $json.id }}' }, { items }), (error) => {
      assert.equal(error.message, 'Task not found');
      assert.equal(error.context.itemIndex, 1);
    });
  });

  test('where it is to go on, the error is the output of its item', async () => {
    const task = await btk.task({ title: 'one' });
    const items = [{ id: 'nope' }, { id: task.id }];
    const output = await n8n.run({ operation: 'get', taskId: '={{ $json.id }}' }, { items, continueOnFail: true });
    assert.deepEqual(output, [
      { json: { error: 'Task not found' }, pairedItem: { item: 0 } },
      { json: task, pairedItem: { item: 1 } },
    ]);
  });
});

describe('what can be chosen', () => {
  const offered = (field) => btk.api('GET', `/api/meta/${field}`).then(({ body }) => body);
  const plain = (choices) =>
    choices.map(({ name, label = name, value }) => `${value}: ${label.toLowerCase()}`).toSorted();
  const find = (properties, name) =>
    properties.flatMap((property) => [property, ...(property.options ?? [])]).filter((found) => found.name === name);

  test('types and categories are what the server offers', async () => {
    for (const node of [action, trigger]) {
      for (const [method, field] of [
        ['getTypes', 'types'],
        ['getCategories', 'categories'],
      ]) {
        const choices = await n8n.options(node, method);
        assert.ok(choices.length > 0);
        assert.deepEqual(plain(choices), plain(await offered(field)));
      }
    }
  });

  test('statuses, priorities and events are all that the server knows', async () => {
    for (const [field, name] of [
      ['statuses', 'status'],
      ['priorities', 'priority'],
      ['events', 'events'],
    ]) {
      const shown = [action, trigger].flatMap((node) => find(node.description.properties, name));
      assert.ok(shown.length > 0);
      for (const { options } of shown) assert.deepEqual(plain(options), plain(await offered(field)));
    }
    const { default: chosen, options } = find(trigger.description.properties, 'events')[0];
    assert.deepEqual(chosen.toSorted(), options.map(({ value }) => value).toSorted());
  });
});

test('the credential is good with the token, and without one where the server asks for none', async () => {
  assert.equal((await n8n.testCredential()).name, 'BTK-System');
  const open = await startBtk({ API_TOKEN: '' });
  const there = await startN8n({ address: open.url, apiToken: '' });
  try {
    assert.equal((await there.testCredential()).tokenNeeded, false);
    assert.equal(first(await there.run({ operation: 'create', title: 'x' })).title, 'x');
  } finally {
    await there.stop();
    await open.stop();
  }
});
