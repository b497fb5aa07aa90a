// The definition of the app: Zapier's schema takes it, and what it promises is what the server gives.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import schema from 'zapier-platform-schema';

import app from '../index.js';
import { startBtk } from '../../test/btk.mjs';
import { commandOf, failureOf, keysOf, zapOf } from './support.js';

const visible = (operations) => Object.values(operations).filter((operation) => !operation.display.hidden);
const operations = [app.triggers, app.creates, app.searches].flatMap(Object.values);

let btk;
before(async () => (btk = await startBtk()));
after(() => btk.stop());

test('the official schema has nothing against the compiled app', async () => {
  // As `zapier-platform validate` does it, and once more on the definition that would be sent to Zapier.
  assert.deepEqual(await commandOf(app, 'validate'), []);
  const { errors } = schema.validateAppDefinition(await commandOf(app, 'definition'));
  assert.deepEqual(errors.map(String), []);
});

test('the official schema would have something against a broken one', async () => {
  const { noun, ...nameless } = app.creates.create_task;
  const broken = await commandOf({ ...app, creates: { ...app.creates, create_task: nameless } }, 'definition');
  assert.match(String(schema.validateAppDefinition(broken).errors), /noun/);
});

test("the runner's own checks of results are on", async () => {
  const idless = (z) => z.request('/api/meta/statuses').then(({ data }) => data);
  const list = app.triggers.list_statuses.operation;
  const { perform } = list;
  list.perform = idless;
  try {
    assert.match((await failureOf(zapOf(btk.url)(idless))).message, /missing the "id" property/);
  } finally {
    list.perform = perform;
  }
});

test('every key stands once', () => {
  for (const group of [app.triggers, app.creates, app.searches]) {
    for (const [key, operation] of Object.entries(group)) assert.equal(operation.key, key);
  }
  const keys = operations.map(({ key }) => key);
  assert.deepEqual(keys, [...new Set(keys)]);
  for (const { key, operation } of operations) {
    const fields = (operation.inputFields ?? []).map((field) => field.key);
    assert.deepEqual(fields, [...new Set(fields)], key);
  }
});

test('every dropdown and every hint at a search leads to something that is there', () => {
  const fields = operations.flatMap(({ operation }) => operation.inputFields ?? []);
  const dynamic = fields.map((field) => field.dynamic).filter(Boolean);
  assert.ok(dynamic.length > 0);
  for (const reference of dynamic) assert.ok(app.triggers[reference.split('.')[0]]?.display.hidden, reference);
  for (const { search } of fields.filter((field) => field.search)) {
    const [key, output] = search.split('.');
    assert.ok(output in app.searches[key].operation.sample, search);
  }
});

test('every trigger that a person sees can be tested without waiting for an event', () => {
  for (const { key, operation } of visible(app.triggers)) {
    assert.equal(operation.type, 'hook', key);
    for (const part of ['performSubscribe', 'performUnsubscribe', 'perform', 'performList']) {
      assert.equal(typeof operation[part], 'function', `${key}.${part}`);
    }
  }
});

test('output fields name exactly what the sample holds', () => {
  const all = [...visible(app.triggers), ...visible(app.creates), ...visible(app.searches)];
  assert.equal(all.length, 8);
  for (const { key, operation } of all) {
    assert.deepEqual(operation.outputFields.map((field) => field.key).sort(), keysOf(operation.sample), key);
    assert.ok(operation.outputFields.every((field) => field.label), key);
  }
});

test('the samples of triggers have the keys of what the server delivers', async () => {
  for (const { key, operation } of visible(app.triggers)) {
    const { body } = await btk.api('GET', `/api/events/samples?payload=full&event=${operation.sample.event}`);
    assert.equal(body.length, 1);
    assert.deepEqual(keysOf(operation.sample), keysOf(body[0]), key);
    assert.equal(operation.sample.type, body[0].type, key);
    assert.deepEqual(Object.keys(operation.sample), Object.keys(body[0]), key);
  }
});

test('the samples of actions have the keys of a task of the server', async () => {
  const { id, createdAt, updatedAt, ...fields } = app.creates.create_task.operation.sample;
  const task = await btk.task(fields);
  for (const { key, operation } of [...visible(app.creates), ...visible(app.searches)]) {
    assert.deepEqual(keysOf(operation.sample), keysOf(task), key);
  }
});

test('the fields to fill in are fields of the API', async () => {
  const { body: document } = await btk.api('GET', '/api/openapi.json');
  const known = (path, method) => new Set(document.paths[path][method].parameters.map(({ name }) => name));
  const query = known('/api/tasks', 'get');
  for (const { key } of app.searches.find_task.operation.inputFields) {
    assert.ok(key === 'id' || query.has(key), key);
  }
  const ours = new Set(['id', 'idempotencyKey', 'clear', 'irreversible']);
  for (const { operation } of visible(app.creates)) {
    for (const { key } of operation.inputFields) assert.ok(ours.has(key) || key in operation.sample, key);
  }
});
