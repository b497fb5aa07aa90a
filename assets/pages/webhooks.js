// webhooks: where changes are sent, how each receiver is doing, and what can be done about it.

import { address } from '../parts/address.js';
import { get } from '../parts/api.js';
import { density } from '../parts/density.js';
import { debounce, find, h, keepFocus, put } from '../parts/dom.js';
import { button, select } from '../parts/form.js';
import { icon } from '../parts/icons.js';
import { watch } from '../parts/live.js';
import { openRecover, recoveryBanner } from '../parts/recover.js';
import { begin } from '../parts/shell.js';
import { lookNow, releaseHeld, removeWebhook, togglePause } from '../parts/webhook-actions.js';
import { webhookCard } from '../parts/webhook-card.js';
import { openForm } from '../parts/webhook-form.js';
import { webhookKeys } from '../parts/webhook-keys.js';
import { inOrder, WEBHOOK_SORTS } from '../parts/webhook-order.js';
import { rotateSecret, showSecret } from '../parts/webhook-secret.js';
import { openTest } from '../parts/webhook-test.js';
import { fits, namedIn } from '../parts/webhook-words.js';
import { addressNote, troubleBox } from '../parts/trouble.js';
import { WEBHOOK_STATUSES, labelOf, many, valuesOf } from '../parts/words.js';

const MOST = 1_000; // of a page of the API: more than there can be
const FEW = 8; // up to here nobody needs to search
const REST = 1_000; // milliseconds between two readings while much happens
const TURN = 15_000; // and after which a new one is due, since figures move on by themselves
const TYPING = 150;

const here = address({ q: '', sort: 'trouble' }, onAddress, { sort: valuesOf(WEBHOOK_SORTS) });
const note = addressNote(here);
/** @type {Map<string, ReturnType<typeof webhookCard>>} by the id of the webhook */
const cards = new Map();
/** @type {Api.Webhook[]|null} */
let webhooks = null;
/** @type {Map<string, Api.WebhookFigures>} */
let figures = new Map();

/** @type {Record<string, (webhook: Api.Webhook) => any>} */
const act = {
  togglePause: (webhook) => togglePause(webhook, took),
  lookNow: (webhook) => lookNow(webhook, took),
  release: (webhook) => releaseHeld(webhook, reread),
  test: openTest,
  edit: (webhook) => openForm({ webhook, onSaved: took }),
  recover: ({ id }) => openRecover({ webhookId: id }),
  rotate: (webhook) => rotateSecret(webhook, { onChanged: () => again(), onTest: () => openTest(webhook) }),
  remove: (webhook) => removeWebhook(webhook, gone),
};
const add = () => openForm({ webhook: null, onSaved: took, onMade: made });

const elements = () => shown().flatMap(({ id }) => cards.get(id)?.element ?? []);

const main = begin({ keys: webhookKeys({ cards: elements, webhookOf, act, add, search }) });
const q = h('input', {
  type: 'search',
  placeholder: 'Filter',
  'aria-label': 'Filter webhooks',
  title: 'By name, host, event or state',
  value: here.values.q,
  on: { input: debounce(TYPING, () => here.set({ q: q.value.trim() }, { typing: 'q' })) },
});
const searchBox = h('div', { class: 'search', hidden: true }, icon('search'), q);
const sort = select(
  WEBHOOK_SORTS.map(({ value, label }) => ({ value, label: `Sort: ${label}` })),
  here.values.sort,
  {
    'aria-label': 'Order',
    class: 'webhook-sort',
    hidden: true,
    on: { change: () => here.set({ sort: sort.value }, { push: true }) },
  },
);
const total = h('span', { class: 'soft', role: 'status' });
const news = h('p', { class: 'off-screen', role: 'status' });
const banner = recoveryBanner();
const trouble = troubleBox({ again: () => again(), isThere: () => Boolean(webhooks) });
const empty = h('div', { class: 'card empty', hidden: true, data: { test: 'empty' } });
const list = h('ul', { class: 'webhooks', 'aria-label': 'Webhooks' });
main.append(
  h(
    'div',
    { class: 'head' },
    find('.title'),
    total,
    searchBox,
    sort,
    density('webhooks'),
    button([icon('plus'), 'Add', h('span', {}, ' webhook')], { class: 'first', title: 'Add webhook (a)' }, add),
  ),
  banner,
  note,
  trouble.element,
  empty,
  list,
  news,
);

function onAddress(_, isBack) {
  note.show();
  draw(isBack);
}

/** @param {string} [id] */
function webhookOf(id) {
  return webhooks?.find((webhook) => webhook.id === id);
}

/** Those that the filter lets through, in the order that was chosen. */
const shown = () =>
  inOrder((webhooks ?? []).filter((webhook) => fits(webhook, here.values.q)), here.values.sort, figures);

function search() {
  if (searchBox.hidden) return false;
  q.focus();
  q.select();
}

/** A card for each; one that is there already stays the same element, in the same place where it can. */
function draw(isBack = false) {
  if (!webhooks) return;
  if (isBack || document.activeElement !== q) q.value = here.values.q;
  sort.value = here.values.sort;
  const found = shown();
  sort.hidden = webhooks.length < 2;
  searchBox.hidden = webhooks.length <= FEW && !here.values.q;
  total.textContent = found.length < webhooks.length ? `${found.length} of ${many(webhooks.length, 'webhook')}` : '';
  const ids = new Set(found.map(({ id }) => id));
  for (const [id, { element }] of cards) {
    if (ids.has(id)) continue;
    element.remove();
    cards.delete(id);
  }
  // One that is moved would lose the focus.
  keepFocus(() =>
    found.forEach((webhook, index) => {
      const card = cards.get(webhook.id) ?? webhookCard(webhook, act);
      cards.set(webhook.id, card);
      card.update(webhook, figures.get(webhook.id));
      if (list.children[index] !== card.element) list.insertBefore(card.element, list.children[index] ?? null);
    }),
  );
  drawEmpty(found);
}

/** @param {Api.Webhook[]} found */
function drawEmpty(found) {
  empty.hidden = found.length > 0;
  if (found.length > 0) return;
  if (webhooks?.length) {
    put(
      empty,
      h('h2', {}, 'No webhook fits the filter'),
      button('Clear', {}, () => ((q.value = ''), here.set({ q: '' }, { push: true }), q.focus())),
    );
  } else {
    put(
      empty,
      h('h2', {}, 'No webhook yet'),
      h('p', {}, 'A webhook says where changes of tasks are sent. For Make there is a way in three steps.'),
      h(
        'div',
        { class: 'row' },
        h('a', { class: 'button', href: '/setup' }, 'Set up Make'),
        button('Add webhook', {}, add),
      ),
    );
  }
}

/**
 * A webhook as an answer has it, at once; what a reading under way says of it may be older, so that is read again.
 * @param {Api.Webhook} webhook
 */
function took(webhook) {
  const others = webhooks ?? [];
  const isKnown = others.some(({ id }) => id === webhook.id);
  webhooks = isKnown ? others.map((known) => (known.id === webhook.id ? webhook : known)) : [webhook, ...others];
  draw();
  reread();
}

/** @param {{webhook: Api.Webhook, secret: string}} made */
function made({ webhook, secret }) {
  took(webhook);
  showSecret({ webhook, secret, isNew: true, onTest: () => openTest(webhook) });
}

/** @param {Api.Webhook} webhook */
function gone({ id }) {
  const at = shown().findIndex((webhook) => webhook.id === id);
  webhooks = (webhooks ?? []).filter((webhook) => webhook.id !== id);
  draw();
  const there = shown();
  cards.get(there[Math.min(at, there.length - 1)]?.id)?.element.focus();
  reread();
}

let asking = null;

function reread() {
  asking?.abort();
  again();
}

/** Reads everything and shows it; a newer call takes the place of one under way. */
async function load() {
  asking?.abort();
  const { signal } = (asking = new AbortController());
  try {
    const [all, numbers] = await Promise.all([
      get('/api/webhooks', { limit: MOST }, { signal }),
      get('/api/figures/webhooks', {}, { signal }),
    ]);
    sayChanges(webhooks ?? all.data, all.data);
    webhooks = all.data;
    figures = new Map(numbers.data.map((entry) => [entry.webhookId, entry]));
    draw();
    banner.update(webhooks);
    trouble.clear();
  } catch (error) {
    trouble.say(error);
    throw error;
  }
}

/**
 * Tells those who do not see the marks which webhooks have changed their state.
 * @param {Api.Webhook[]} before
 * @param {Api.Webhook[]} after
 */
function sayChanges(before, after) {
  const known = new Map(before.map(({ id, status }) => [id, status]));
  const changed = after.filter(({ id, status }) => known.has(id) && known.get(id) !== status);
  if (changed.length === 0) return;
  news.textContent = changed
    .map((webhook) => `${namedIn(webhook)}: ${labelOf(WEBHOOK_STATUSES, webhook.status)}.`)
    .join(' ');
}

const again = watch(async () => {
  await load();
  await new Promise((done) => setTimeout(done, REST));
});
setInterval(() => document.hidden || again(), TURN);
again();
