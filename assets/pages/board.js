// board: the tasks in columns by status; moved, added, changed and deleted in place. Must not know how a change reaches
// its receivers, only what became of it.

import { address } from '../parts/address.js';
import { boardColumn } from '../parts/board-column.js';
import { wireDragging } from '../parts/board-drag.js';
import { boardEmpty } from '../parts/board-empty.js';
import { boardFilters } from '../parts/board-filters.js';
import { boardKeys } from '../parts/board-keys.js';
import { boardMoves } from '../parts/board-moves.js';
import { boardState } from '../parts/board-state.js';
import { boardTabs } from '../parts/board-tabs.js';
import { undoSteps } from '../parts/board-undo.js';
import { density } from '../parts/density.js';
import { around, debounce, find, h, put } from '../parts/dom.js';
import { icon } from '../parts/icons.js';
import { watch } from '../parts/live.js';
import { begin } from '../parts/shell.js';
import { taskDeletions } from '../parts/task-deletion.js';
import { taskFates } from '../parts/task-fates.js';
import { openTask } from '../parts/task-panel.js';
import { quickAdd } from '../parts/task-quick-add.js';
import { toast } from '../parts/toast.js';
import { DUES, SORTS } from '../parts/task-rules.js';
import { addressNote, troubleBox } from '../parts/trouble.js';
import { many, PRIORITIES, STATUSES, valuesOf } from '../parts/words.js';

const DEFAULTS = { q: '', status: '', priority: '', type: '', category: '', tag: '', due: '', sort: '-updatedAt', open: '' };

const here = address(
  DEFAULTS,
  onAddress,
  { status: valuesOf(STATUSES), priority: valuesOf(PRIORITIES), due: valuesOf(DUES), sort: valuesOf(SORTS) },
  { several: ['status', 'priority', 'type', 'category', 'tag'] },
);
const note = addressNote(here);
const filters = boardFilters(here);
const fates = taskFates(() => state.draw());
const steps = undoSteps();
const deletions = taskDeletions({
  steps,
  onBack(id) {
    state.bringBack(id);
    sum();
  },
});
const inSight = () => columns.flatMap((column) => column.inSight());
const askFates = debounce(100, () => fates.refresh(inSight()));
const columns = STATUSES.map((status) =>
  boardColumn({
    status,
    fateOf: fates.of,
    isHidden: (id) => state.isHidden(id),
    onFilter: (name, value) => here.set({ [name]: value }, { push: true }),
    onSight: askFates,
    onPage(cards) {
      filters.learn(cards);
      trouble.clear();
    },
    onFault: (error) => trouble.say(error),
    onAdd: () => add(status.value),
  }),
);
const state = boardState({
  columns,
  values: () => here.values,
  isWaiting: deletions.waits,
  onGone: deletions.drop,
  onEvents(events) {
    for (const { task } of events) fates.touch(task.id);
    filters.learn(events.map(({ task }) => task));
    if (events.some(({ task }) => task.id === panel?.id)) panel?.refresh();
  },
});
const move = boardMoves({ state, steps, onMoved });
/** @type {ReturnType<typeof openTask>|null} */
let panel = null;
let shown = { ...here.values };

const main = begin({
  keys: boardKeys({ columns, open, move: moveAndSay, remove, add, undo: steps.undoLast, search: filters.focus }),
});
const empty = boardEmpty({ add: () => add('OPEN'), clear: filters.clear });
const trouble = troubleBox({ again: () => refresh(), isThere: () => columns[0].total !== null });
const said = h('p', { class: 'off-screen', role: 'status' });
const board = h(
  'div',
  { class: 'board' },
  columns.map(({ element }) => element),
);
const tabs = boardTabs(board, columns);
put(
  main,
  h(
    'div',
    { class: 'head' },
    find('.title'),
    filters.element,
    density('board', () => columns.forEach((column) => column.measureAnew())),
    h(
      'button',
      { type: 'button', class: 'first new-task', title: 'New task (n)', on: { click: () => add(tabs.current.status) } },
      icon('plus'),
      h('span', {}, 'New task'),
    ),
  ),
  note,
  filters.only,
  trouble.element,
  empty.element,
  tabs.element,
  board,
  said,
);
wireDragging(board, columns, moveAndSay);
wireCards();
const refresh = watch(follow);
refresh();
if (here.values.open) open(here.values.open);

async function follow() {
  try {
    await state.follow();
    trouble.clear();
  } catch (error) {
    trouble.say(error);
    throw error;
  }
  sum();
  await fates.refresh(inSight());
}

function onAddress(values, isBack) {
  const isOther = Object.keys(DEFAULTS).some((name) => name !== 'open' && values[name] !== shown[name]);
  shown = { ...values };
  showPanel(values.open);
  note.show();
  if (!isOther) return;
  filters.update(isBack);
  state.load(false).then(sum, trouble.say).then(askFates);
}

/** How many there are, and what to do where there is none. */
function sum() {
  tabs.draw();
  if (columns.some(({ total }) => total === null)) return;
  const total = columns.reduce((all, column) => all + (column.total ?? 0), 0);
  const isFiltered = filters.areSet();
  filters.say(isFiltered && total > 0 ? many(total, 'task') : '');
  empty.show(total > 0 ? null : isFiltered ? 'filtered' : 'none');
  board.hidden = tabs.element.hidden = total === 0 && !columns.some(({ form }) => form.hasChildNodes());
}

/** Opens the panel that the address names, or closes the one that it no longer names. */
function showPanel(id) {
  if (id === (panel?.id ?? '')) return;
  if (panel && !panel.mayClose()) {
    // Gone back from with something not saved: it stays until the reader has decided.
    here.set({ open: panel.id }, { push: true });
    return;
  }
  panel?.close();
  panel = null;
  if (id) openPanel(id);
}

function open(id) {
  if (here.values.open === id) showPanel(id);
  else here.set({ open: id }, { push: true });
}

function openPanel(id) {
  const mine = openTask(id, {
    labels: filters.labels,
    onSaved(task, before) {
      fates.touch(task.id);
      state.show(task, before);
      sum();
    },
    onDelete: (task) => remove(task.id, task),
    onClose() {
      if (panel === mine) {
        panel = null;
        here.set({ open: '' });
      }
      backTo(id);
    },
  });
  panel = mine;
}

/** The browser gives the focus back to the card, unless that was drawn anew meanwhile. */
function backTo(id) {
  const column = columns.find((each) => each.has(id));
  if (column && document.activeElement === document.body) column.focus(column.indexOf(id));
}

/**
 * @param {string} id
 * @param {Api.Status} status
 */
function moveAndSay(id, status) {
  const column = columns.find((each) => each.has(id));
  if (!column || column.status === status) return;
  fates.touch(id);
  move(id, status);
  sum();
}

function onMoved(id, isMoved) {
  if (!isMoved) fates.restore(id);
  sum();
  askFates();
}

/**
 * @param {string} id
 * @param {Api.Task} [task]
 */
function remove(id, task) {
  const card = state.hide(id, task);
  if (!card) return;
  deletions.begin(card);
  sum();
}

/** @param {string} status */
function add(status) {
  const column = columns.find((other) => other.status === status) ?? columns[0];
  board.hidden = tabs.element.hidden = false;
  empty.show(null);
  tabs.show(column);
  quickAdd(column.form, {
    status,
    label: column.label,
    onAdded(task) {
      filters.learn([task]);
      if (!state.show(task)) toast('Added. The filters do not show it.');
      said.textContent = `${task.title}: added`;
      sum();
    },
  });
}

function wireCards() {
  board.addEventListener('click', (event) => {
    const card = around(event.target, '.task[data-id]');
    const isLink = around(event.target, 'a, button') && !around(event.target, '.task-title');
    if (!card || isLink || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(card.dataset.id);
  });
  board.addEventListener('focusin', (event) => {
    const card = around(event.target, '.task[data-id]');
    if (card) columns.find((column) => column.has(card.dataset.id))?.stopAt(card.dataset.id);
  });
}
