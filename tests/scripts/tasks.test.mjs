// tasks: which tasks the board shows and where it puts them, as the server's list does (`GET /api/tasks` in
// openapi.json); and their fields as people read them.

import './page.mjs';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { cardOf, fits, order, parameters, SORTS } from '../../assets/parts/task-rules.js';
import { fieldName, fieldText } from '../../assets/parts/task-words.js';

const openapi = JSON.parse(readFileSync(new URL('../../openapi.json', import.meta.url), 'utf8'));
const ALL = { q: '', status: '', priority: '', type: '', category: '', tag: '', due: '' };
const TASK = {
  id: 't1', title: 'Café for the Müllers', description: 'Ring them', status: 'OPEN', priority: 'NORMAL', type: 'TECH',
  category: null, tags: ['sales', 'a,b'], dueDate: null, attachments: [{ name: 'f', url: 'https://e.org/f' }],
  createdAt: '2026-01-01T00:00:00.000Z', updatedAt: '2026-01-02T00:00:00.000Z',
};
const isShown = (filters, task = {}) => fits({ ...TASK, ...task }, { ...ALL, ...filters });

/** The ids of cards put in one by one, as a column does. */
function inOrder(sort, cards) {
  const isBefore = order(sort);
  const column = [];
  for (const card of cards) {
    const at = column.findIndex((there) => !isBefore(there, card));
    column.splice(at < 0 ? column.length : at, 0, card);
  }
  return column.map(({ id }) => id);
}
const card = (id, more = {}) => ({ ...cardOf({ ...TASK, ...more }), id });

test('every order of the board is one that the server knows', () => {
  const { pattern } = openapi.paths['/api/tasks'].get.parameters.find(({ name }) => name === 'sort').schema.anyOf[0];
  for (const { value } of SORTS) assert.match(value, new RegExp(pattern));
});

test('priorities go by their weight, not by the alphabet', () => {
  const cards = ['NORMAL', 'URGENT', 'LOW', 'HIGH'].map((priority) => card(priority, { priority }));
  assert.deepEqual(inOrder('-priority', cards), ['URGENT', 'HIGH', 'NORMAL', 'LOW']);
  assert.deepEqual(inOrder('priority', cards), ['LOW', 'NORMAL', 'HIGH', 'URGENT']);
});

test('what is due first stands first, and what has no due date last', () => {
  const cards = [card('never'), card('late', { dueDate: '2027-01-01T00:00:00.000Z' }), card('soon', { dueDate: '2026-02-01T00:00:00.000Z' })];
  assert.deepEqual(inOrder('dueDate', cards), ['soon', 'late', 'never']);
});

test('titles go by the alphabet whatever their case', () => {
  assert.deepEqual(inOrder('title', ['b', 'A', 'C'].map((title) => card(title, { title }))), ['A', 'b', 'C']);
  const words = ['Zebra', 'apfelmus', 'Äpfel', 'Straße 2', 'strasse 1'];
  const sorted = ['Äpfel', 'apfelmus', 'strasse 1', 'Straße 2', 'Zebra'];
  assert.deepEqual(inOrder('title', words.map((title) => card(title, { title }))), sorted);
});

test('ties go by creation, in the direction of the order', () => {
  const made = (id, createdAt) => card(id, { createdAt, priority: 'HIGH', title: 'same' });
  const cards = [made('second', '2026-01-02T00:00:00.000Z'), made('first', '2026-01-01T00:00:00.000Z')];
  assert.deepEqual(inOrder('title', cards), ['first', 'second']);
  assert.deepEqual(inOrder('-priority', cards), ['second', 'first']);
  const twins = [made('one', '2026-01-01T00:00:00.000Z'), made('other', '2026-01-01T00:00:00.000Z')];
  assert.deepEqual(inOrder('title', twins), ['one', 'other']);
  assert.deepEqual(inOrder('-priority', twins), ['other', 'one']);
});

test('each word is found in the title or the description, whatever its case and however it is composed', () => {
  assert.ok(isShown({ q: '  CAFÉ ring ' }));
  assert.ok(isShown({ q: 'cafe\u0301' }));
  assert.ok(!isShown({ q: 'café tea' }));
  assert.ok(isShown({ q: 'müllers' }, { description: null }));
});

test('of several values one is enough, and each filter must fit', () => {
  assert.ok(isShown({ priority: 'LOW, NORMAL', type: 'TECH' }));
  assert.ok(!isShown({ priority: 'LOW,NORMAL', type: 'WRITING' }));
  assert.ok(!isShown({ category: 'WORK' }));
  assert.ok(isShown({ status: 'DONE,OPEN' }));
  assert.ok(!isShown({ status: 'DONE' }));
});

test('a tag may have a comma in it', () => {
  assert.ok(isShown({ tag: 'a,b' }));
  assert.ok(isShown({ tag: 'x, sales' }));
  assert.ok(!isShown({ tag: 'a' }));
});

test('a day of the reader is asked for as the server keeps it: from midnight UTC', () => {
  const now = new Date('2026-03-10T23:30:00-04:00');
  const asked = (due, status = 'OPEN') => parameters({ ...ALL, due }, status, now);
  const { dueAfter, dueBefore } = asked('today');
  assert.deepEqual([dueAfter, dueBefore], ['2026-03-10T00:00:00.000Z', '2026-03-11T00:00:00.000Z']);
  assert.equal(asked('week').dueBefore, '2026-03-17T00:00:00.000Z');
  assert.equal(asked('overdue').dueBefore, '2026-03-10T00:00:00.000Z');
  assert.equal(asked('overdue', 'DONE'), null, 'what has ended is never overdue');
  assert.equal(asked('').dueBefore, undefined);
});

test('a column that the address leaves out is not asked for', () => {
  assert.equal(parameters({ ...ALL, status: 'OPEN,DONE' }, 'CANCELLED'), null);
  assert.equal(parameters({ ...ALL, status: 'OPEN,DONE', q: ' a ' }, 'DONE').q, 'a');
});

test('a card keeps what the board shows, and no description', () => {
  const { attachments, description, ...rest } = TASK;
  assert.deepEqual(cardOf(TASK), { ...rest, files: attachments.length });
});

test('a field that has a name in the API has one for people, and its value too', () => {
  const nameless = Object.keys(openapi.components.schemas.Task.properties).filter((name) => name !== 'id' && fieldName(name) === name);
  assert.deepEqual(nameless, []);
  assert.equal(fieldText('status', 'IN_PROGRESS'), 'In progress');
  assert.equal(fieldText('tags', ['a', 'b']), 'a, b');
  assert.equal(fieldText('tags', []), 'none');
  assert.equal(fieldText('description', 'x'.repeat(300)), `${'x'.repeat(200)}…`);
});
