// deliveries: what was sent and what waits, live: a list with its filters, and one delivery at the side.

import { address } from '../parts/address.js';
import { unknownOf } from '../parts/address-note.js';
import { get } from '../parts/api.js';
import { cancel, mayCancel, redeliver } from '../parts/delivery-actions.js';
import { CLOSED, FILTERS, WAYS, filterOf, filters } from '../parts/delivery-filters.js';
import { deliveryList, PAGE } from '../parts/delivery-list.js';
import { askMany, jobsBanner } from '../parts/delivery-many.js';
import { deliveryPanel } from '../parts/delivery-panel.js';
import { deliveryTable } from '../parts/delivery-table.js';
import { emptyState, searchLine } from '../parts/delivery-states.js';
import { density } from '../parts/density.js';
import { around, find, h, put } from '../parts/dom.js';
import { button } from '../parts/form.js';
import { icon } from '../parts/icons.js';
import { watch } from '../parts/live.js';
import { openRecover, recoveryBanner } from '../parts/recover.js';
import { begin } from '../parts/shell.js';
import { sayError, toast } from '../parts/toast.js';
import { menu } from '../parts/webhook-menu.js';
import { nameOf } from '../parts/webhook-words.js';
import { addressNote, troubleBox } from '../parts/trouble.js';
import { count, many } from '../parts/words.js';

const MOST = 1_000; // webhooks: more than there can be
const REST = 600; // milliseconds between two readings while much happens

const group = 'Deliveries';
const inPanel = 'A delivery that is open';
const main = begin({
  keys: [
    { keys: ['j', 'ArrowDown'], label: 'The next one', group, run: () => table.step(1) },
    { keys: ['k', 'ArrowUp'], label: 'The one before', group, run: () => table.step(-1) },
    { keys: ['Home'], label: 'The newest', group, run: () => table.toTop() },
    { keys: ['Enter'], label: 'Open it', group, run: (press) => enter(press) },
    { keys: ['r'], label: 'Redeliver it', group, run: () => onCurrent((row) => redeliver(row.id, list.replace)) },
    { keys: ['c'], label: 'Cancel it', group, run: () => onCurrent(cancelRow) },
    { keys: ['/'], label: 'Search', group, run: () => bar.focusSearch() },
    { keys: ['f'], label: 'Filters', group, run: () => bar.focusFilters() },
    // The panel has these itself: here they are listed.
    { keys: ['j'], label: 'The next one of the list', group: inPanel },
    { keys: ['k'], label: 'The one before', group: inPanel },
    { keys: ['r'], label: 'Redeliver it', group: inPanel },
    { keys: ['c'], label: 'Cancel it', group: inPanel },
  ],
});

/** @type {Api.Webhook[]|null} */
let webhooks = null;
/** @type {ReturnType<typeof deliveryPanel>|null} */
let panel = null;
const place = address({ ...FILTERS, open: '' }, follow, CLOSED, WAYS);
const note = addressNote(place);
const filtersNow = () => JSON.stringify(filterOf(place.values));
let filtered = filtersNow();

const list = deliveryList(show);
const bar = filters((changes, typing) => place.set(changes, typing ? { typing } : { push: true }), clear, () => table.toTop());
const webhookName = (id) => {
  const known = webhooks?.find((webhook) => webhook.id === id);
  return known ? nameOf(known) : id;
};
const table = deliveryTable(list, {
  nameOf: webhookName,
  openId: () => place.values.open,
  onOpen: (id) => place.set({ open: id }, { push: true }),
  onEnd: () => list.more().catch((error) => trouble.say(error)),
});
const total = h('span', { class: 'soft total', role: 'status', data: { test: 'total' } });
const newer = h('button', { type: 'button', class: 'newer', hidden: true, on: { click: () => toNewest() } });
const banner = recoveryBanner();
const line = h('div', { class: 'row search-line', 'aria-live': 'polite' });
const trouble = troubleBox({ again: () => load(), isThere: () => list.isKnown });
const empty = h('div', { class: 'empty', hidden: true, data: { test: 'empty' } });
const recoverButton = button([icon('again'), 'Recover…'], { title: 'Send a webhook what it missed' }, () =>
  openRecover(inSight()),
);
const jobs = jobsBanner();
function ask(action) {
  // A filter that was meant and is not known would make it all there are.
  const unknown = unknownOf(place);
  if (unknown) return toast(`First leave out of the address what is unknown here: ${unknown}.`, { tone: 'bad' });
  return askMany(action, filterOf(place.values)).then(again);
}
const forAll = menu('More for all in this list', [
  { label: 'Redeliver all…', icon: 'again', run: () => ask('redeliver') },
  { label: 'Cancel all…', icon: 'stop', tone: 'bad', run: () => ask('cancel') },
]);
main.append(
  h(
    'div',
    { class: 'head' },
    find('.title'),
    h('div', { class: 'list-state' }, line, total, newer),
    density('deliveries', () => table.rebuild()),
    recoverButton,
    forAll,
  ),
  banner,
  jobs,
  bar.element,
  note,
  trouble.element,
  table.element,
  empty,
);

/** What the filter in sight says of a recovery. */
function inSight() {
  const { webhook, status, ...rest } = place.values;
  const { since, until } = filterOf(place.values);
  const others = { q: 'the search', event: 'the event', task: 'the task' };
  const narrowed = Object.keys(others).filter((name) => rest[name]);
  return { webhookId: webhook, status, since, until, others: narrowed.map((name) => others[name]) };
}

/** The address has changed: another filter, or another delivery is open. */
function follow(values, isBack) {
  bar.show(values, isBack);
  note.show();
  const now = filtersNow();
  if (now !== filtered) {
    filtered = now;
    load();
  }
  followOpen(values.open);
  table.draw();
}

function followOpen(id) {
  if ((panel?.id ?? '') === id) return;
  const before = panel;
  panel = null;
  before?.close();
  if (!id) return table.focus();
  const mine = deliveryPanel(id, {
    nameOf: webhookName,
    onOther: (other) => place.set({ open: other }, { push: true }),
    onChange: list.replace,
    onStep(by) {
      const row = list.rows[list.indexOf(id) + by];
      if (row && list.indexOf(id) >= 0) place.set({ open: row.id });
    },
    onClose: () => panel === mine && place.set({ open: '' }),
  });
  panel = mine;
  table.choose(id);
  panel.refresh().catch((error) => trouble.say(error));
}

function clear() {
  bar.empty();
  place.unknown = [];
  place.set({ ...FILTERS }, { push: true });
}

async function load() {
  try {
    table.scrollToTop();
    await list.load(filterOf(place.values));
    trouble.clear();
  } catch (error) {
    // The rows are still those of the filter before, so this must be said.
    trouble.say(error, true);
  }
}

/** Draws all that depends on the list. */
function show() {
  const isFiltered = place.isSet(...Object.keys(FILTERS));
  total.textContent = list.total === null ? '' : many(list.total, 'delivery', 'deliveries');
  newer.hidden = list.newer === 0;
  put(newer, `${count(list.newer)} ${list.newer < PAGE ? 'newer' : 'or more newer'} ↑`);
  const isEmpty = list.isKnown && list.rows.length === 0 && !list.hasMore;
  table.element.hidden = isEmpty || !list.isKnown;
  empty.hidden = !isEmpty;
  if (isEmpty) emptyState(empty, { isFiltered, webhooks, onClear: clear });
  searchLine(line, list, { onStop: list.stop, onGo: () => list.goOn().catch((error) => trouble.say(error)) });
  table.draw();
}

function toNewest() {
  table.scrollToTop();
  again();
}

function enter({ target }) {
  // A link or a button that has the focus does what it says.
  if (around(target, 'a, button')) return false;
  return onCurrent((row) => place.set({ open: row.id }, { push: true }));
}

/** @param {(row: Api.Delivery) => any} run */
function onCurrent(run) {
  const row = table.current();
  if (!row) return false;
  run(row);
  return true;
}

/** @param {Api.Delivery} row */
function cancelRow(row) {
  if (mayCancel(row)) return cancel(row.id, list.replace);
  return toast(`It is ${row.status}: only one that waits can be cancelled.`);
}

async function loadWebhooks() {
  const { data } = await get('/api/webhooks', { limit: MOST });
  webhooks = data;
  bar.setWebhooks(data);
  banner.update(data);
}

const again = watch(async () => {
  await Promise.all([loadWebhooks(), jobs.refresh(), list.refresh(table.sight()), panel?.refresh()]);
  if (list.isKnown) trouble.clear();
  show();
  await new Promise((done) => setTimeout(done, REST));
});

bar.show(place.values);
load().then(() => followOpen(place.values.open), sayError);
again();
