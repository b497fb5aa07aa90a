// board: where its keys lead, what can be taken back, and that its columns stay true to what the server tells.

import { body, focusCard } from './page.mjs';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boardKeys } from '../../assets/parts/board-keys.js';
import { boardState } from '../../assets/parts/board-state.js';
import { undoSteps } from '../../assets/parts/board-undo.js';

const MADE = '2026-01-01T00:00:00.000Z';
const taskOf = (id, status, more = {}) => ({
  id, title: id, status, priority: 'NORMAL', type: null, category: null, tags: [], dueDate: null, description: null,
  attachments: [], createdAt: MADE, updatedAt: MADE, ...more,
});

/** A column of tasks by their ids. */
function columnOf(status, ids) {
  const cards = new Map(ids.map((id) => [id, taskOf(id, status)]));
  const keys = () => [...cards.keys()];
  const column = {
    status,
    total: ids.length,
    has: (id) => cards.has(id),
    get: (id) => cards.get(id),
    indexOf: (id) => keys().indexOf(id),
    place: (card) => cards.set(card.id, card),
    take: (id) => cards.delete(id),
    addToTotal: (n) => (column.total += n),
    load: async () => {},
    draw() {},
    focus(index) {
      const id = keys()[Math.max(0, Math.min(index, cards.size - 1))];
      if (id) focusCard(id);
      return Boolean(id);
    },
    keys,
  };
  return column;
}

function keyboard(shape) {
  const columns = Object.entries(shape).map(([status, ids]) => columnOf(status, ids));
  const done = [];
  const move = (id, status) => {
    const from = columns.find((column) => column.has(id));
    columns.find((column) => column.status === status).place(from.get(id));
    from.take(id);
    done.push(`${id} to ${status}`);
  };
  const note = (what) => (value) => void done.push(`${what} ${value}`);
  const bindings = boardKeys({ columns, open: note('open'), move, remove: note('remove'), add: note('add'), undo: () => null, search: note('search') });
  document.activeElement = body;
  return {
    done,
    press: (key) => bindings.find(({ keys }) => keys.includes(key)).run({ key }),
    at: () => document.activeElement.dataset?.id ?? null,
  };
}

test('the first key gives the focus to the first card, and the next ones step within the column', () => {
  const { press, at } = keyboard({ OPEN: [], DONE: ['a', 'b'] });
  press('j');
  assert.equal(at(), 'a');
  press('j');
  press('ArrowDown');
  assert.equal(at(), 'b', 'it stays at the last one');
  press('k');
  assert.equal(at(), 'a');
});

test('aside it goes over empty columns, to the same height', () => {
  const { press, at } = keyboard({ OPEN: ['a', 'b', 'c'], IN_PROGRESS: [], DONE: ['x', 'y'] });
  focusCard('c');
  press('l');
  assert.equal(at(), 'y');
  press('l');
  assert.equal(at(), 'y', 'there is nothing further on');
  press('h');
  assert.equal(at(), 'b');
});

test('a card that is moved keeps the focus in its new column, and none is moved beyond the last', () => {
  const { press, at, done } = keyboard({ OPEN: ['a', 'b'], DONE: ['x'] });
  focusCard('a');
  press(']');
  assert.deepEqual([at(), done], ['a', ['a to DONE']]);
  press(']');
  assert.deepEqual(done, ['a to DONE']);
});

test('a key that finds nothing to act on is left to the browser', () => {
  const { press, done } = keyboard({ OPEN: [], DONE: [] });
  for (const key of ['j', 'h', 'd', 'e', 'u']) assert.equal(press(key), false, key);
  press('n');
  assert.deepEqual(done, ['add OPEN']);
});

test('the last step is taken back first, and one that is forgotten is not', () => {
  const undone = [];
  const steps = undoSteps();
  const step = (id) => steps.add({ id, undo: () => undone.push(id) });
  step('a');
  const forget = step('b');
  step('c');
  assert.equal(steps.undoLast(), 'c');
  forget();
  assert.equal(steps.undoLast(), 'a');
  assert.equal(steps.undoLast(), null);
  assert.deepEqual(undone, ['c', 'a']);
});

/** A board with a server that tells of these events, the newest first. */
async function boardWith(shape, filters = {}) {
  const columns = Object.entries(shape).map(([status, ids]) => columnOf(status, ids));
  const events = [];
  globalThis.fetch = async (path) => Response.json(path.includes('since') ? events.splice(0) : [{ id: 'evt_0' }]);
  const values = () => ({ q: '', sort: '-updatedAt', ...filters });
  const state = boardState({ columns, values, onEvents() {}, isWaiting: () => false, onGone() {} });
  globalThis.document.querySelector = () => null;
  await state.load(true);
  const shown = () => Object.fromEntries(columns.map((column) => [column.status, [column.total, ...column.keys()]]));
  const told = async (event, task, previous = null) => {
    events.unshift({ id: `evt_${task.id}`, event, task, previous });
    await state.follow();
  };
  return { state, shown, told };
}

test('what others do is counted into one column and out of the other', async () => {
  const { shown, told } = await boardWith({ OPEN: ['a'], DONE: [] });
  await told('task_created', taskOf('b', 'OPEN'));
  assert.deepEqual(shown(), { OPEN: [2, 'a', 'b'], DONE: [0] });
  await told('task_status_changed', taskOf('a', 'DONE'), taskOf('a', 'OPEN'));
  assert.deepEqual(shown(), { OPEN: [1, 'b'], DONE: [1, 'a'] });
  await told('task_deleted', taskOf('a', 'DONE'), null);
  assert.deepEqual(shown(), { OPEN: [1, 'b'], DONE: [0] });
});

test('a task that the filters do not let through leaves its column', async () => {
  const { shown, told } = await boardWith({ OPEN: ['a'], DONE: [] }, { q: 'a' });
  await told('task_created', taskOf('b', 'OPEN'));
  assert.deepEqual(shown().OPEN, [1, 'a']);
  await told('task_updated', taskOf('a', 'OPEN', { title: 'other' }), taskOf('a', 'OPEN'));
  assert.deepEqual(shown().OPEN, [0]);
});

test('a move that is refused puts the card back, and what others did meanwhile is taken over then', async () => {
  const { state, shown, told } = await boardWith({ OPEN: ['a'], DONE: [], CANCELLED: [] });
  const card = state.begin('a', 'DONE');
  assert.deepEqual(shown().DONE, [1, 'a']);
  await told('task_status_changed', taskOf('a', 'CANCELLED', { updatedAt: '2026-01-02T00:00:00.000Z' }), taskOf('a', 'OPEN'));
  assert.deepEqual(shown().DONE, [1, 'a'], 'not before the answer has come');
  state.end('a', null, card);
  assert.deepEqual(shown(), { OPEN: [0], DONE: [0], CANCELLED: [1, 'a'] });
});

test('a task that is taken off in advance comes back as it is by then', async () => {
  const { state, shown, told } = await boardWith({ OPEN: ['a'], DONE: [] });
  assert.equal(state.hide('a').id, 'a');
  assert.deepEqual(shown().OPEN, [0]);
  await told('task_status_changed', taskOf('a', 'DONE'), taskOf('a', 'OPEN'));
  assert.deepEqual(shown(), { OPEN: [0], DONE: [0] });
  state.bringBack('a');
  assert.deepEqual(shown(), { OPEN: [0], DONE: [1, 'a'] });
});
