// recover: sending a webhook what it missed: a dialog that counts before it begins and shows how far it is, and the
// line on a page while one runs. Must not know which page it is on.

import { get, send } from './api.js';
import { open } from './dialog.js';
import { debounce, h, keepFocus, put } from './dom.js';
import { busy, button, clearErrors, errorLine, field, select, showError, tick } from './form.js';
import { watch } from './live.js';
import { full, fromLocalField, LAST_MOMENT, toLocalField, when } from './time.js';
import { sayError } from './toast.js';
import { nameOf } from './webhook-words.js';
import { count, many } from './words.js';

const DAY = 24 * 3_600_000;
const MOST = 1_000; // of a page of the API: more webhooks than there can be
const LONGEST = 300_000; // milliseconds that a count may take
const REST = 350; // milliseconds after the last change before it is counted
const SOON = 200; // milliseconds after which a count says that it runs
const SLOW = 1_500; // and after which a count says why it takes long
const STATES = [
  { value: 'failed', label: 'Failed', hint: 'given up after the receiver refused them or did not answer', is: true },
  { value: 'held', label: 'Held', hint: 'refused, and kept with their tasks by onReject: hold', is: false },
  { value: 'unsent', label: 'Never sent', hint: 'it wants them, but was not there or not set up for them', is: true },
  { value: 'cancelled', label: 'Cancelled', hint: 'by a person, or with a webhook that was deleted', is: false },
  { value: 'delivered', label: 'Delivered', hint: 'they arrive a second time', is: false },
];

const WHAT_IT_DOES =
  'They go out again, or for the first time, in order and with the same webhook-id. Newer changes wait meanwhile.';
const GOES_ON =
  'It goes on by itself when you close this, also over a restart. Newer changes wait until all are in line.';

const path = (id, what = '') => `/api/webhooks/${encodeURIComponent(id)}${what}`;

/** The dialog that is open; the pages' changes are followed once for all. */
let current = null;
let follow = null;

/** What is ticked for states that are in sight; nothing where these say nothing of a recovery. */
const ticked = (status = '') => {
  const wanted = status.split(',');
  return STATES.map(({ value }) => value).filter((value) => wanted.includes(value));
};

/**
 * Opens the dialog, with what the page that asks for it has in sight.
 * @param {{webhookId?: string, status?: string, since?: string, until?: string, others?: string[]}} [sight] a webhook, a
 *   state, a span; `others`: what narrows the list there and cannot narrow a recovery
 */
export async function openRecover(sight = {}) {
  const { webhookId, status, since, until } = sight;
  try {
    const lost = ticked(status)[0] ?? 'failed';
    const { data: webhooks } = await get('/api/webhooks', { limit: MOST });
    // Much that is shown as held waits for its webhook and goes out by itself.
    const holding = lost === 'held' ? webhooks.find(({ held }) => held > 0)?.id : '';
    const query = { status: lost, webhookId: webhookId || holding, since, until, limit: 1 };
    const { data: newest } = await get('/api/deliveries', query);
    follow ??= watch(async () => current?.refresh());
    current = recoverDialog(webhooks, sight, newest[0] ?? null);
  } catch (error) {
    sayError(error);
  }
}

/** The webhook that it is most likely about: the one in sight, one that is being recovered, one with what is ticked, one
 * that is not well. */
function likely(webhooks, wanted, failed) {
  const byId = (id) => webhooks.find((webhook) => webhook.id === id);
  return (
    byId(wanted) ??
    webhooks.find(({ recovery }) => recovery) ??
    byId(failed?.webhookId) ??
    webhooks.find(({ status }) => !['up', 'paused'].includes(status)) ??
    byId('default') ??
    webhooks[0]
  );
}

function recoverDialog(webhooks, sight, failed) {
  const first = likely(webhooks, sight.webhookId, failed);
  const body = h('div', { class: 'stack recover' });
  const foot = h('div', { class: 'row' });
  const stopped = new AbortController();
  const box = open({
    title: 'Recover what a webhook missed',
    body,
    foot,
    onClose() {
      stopped.abort();
      if (current === self) current = null;
    },
  });
  let running = null; // {webhook, recovery, expected} while one is shown
  const self = { refresh };

  if (!first) {
    put(body, h('p', {}, 'There is no webhook yet. ', h('a', { href: '/webhooks' }, 'Add a webhook'), ' first.'));
    put(foot, button('Close', {}, box.close));
    return self;
  }
  const form = recoverForm(webhooks, first, startOf(sight, failed), {
    signal: stopped.signal,
    onRunning: (webhook) => begin(webhook, webhook.recovery, null),
    onBegun: begin,
  });
  showForm();
  if (first.recovery) begin(first, first.recovery, null);

  function showForm() {
    running = null;
    put(body, form.element);
    put(foot, button('Close', {}, box.close), form.submit);
    form.count();
  }

  function begin(webhook, recovery, expected) {
    form.stop();
    running = { webhook, recovery, expected };
    put(body, h('div', { class: 'stack', data: { test: 'progress' } }));
    drawProgress();
    follow?.();
  }

  async function refresh() {
    const mine = running;
    if (!mine || mine.isOver) return;
    const { data } = await get(path(mine.webhook.id), {}, { signal: stopped.signal });
    if (mine !== running) return;
    const isAnother = data.recovery && data.recovery.createdAt !== mine.recovery.createdAt;
    if (data.recovery && !isAnother) mine.recovery = data.recovery;
    else mine.isOver = true;
    drawProgress();
  }

  function drawProgress() {
    const { webhook, recovery, expected, isOver, isEnded } = running;
    // The last number that was seen may be from before the end.
    const queued = isOver && !isEnded ? Math.max(recovery.queued, expected ?? 0) : recovery.queued;
    keepFocus(() => {
      put(
        body.firstElementChild,
        h('p', {}, h('bdi', { class: 'strong' }, nameOf(webhook)), h('span', { class: 'soft' }, ` ${webhook.url}`)),
        h('p', { class: 'soft' }, spanOf(recovery)),
        bar(isOver && !isEnded ? 1 : recovery.progress),
        h('p', { 'aria-live': 'polite', class: 'strong' }, said(queued, { expected, isOver, isEnded })),
        !isOver && h('p', { class: 'soft' }, GOES_ON),
      );
      put(
        foot,
        !isOver && button('End it', { class: 'danger', data: { key: 'recover-end' } }, endIt),
        isOver && button('Recover more', {}, showForm),
        isOver && deliveriesLink(webhook),
        button(isOver ? 'Done' : 'Close', { class: isOver && 'first', data: { key: 'recover-close' } }, box.close),
      );
    });
    if (!box.element.contains(document.activeElement)) foot.lastElementChild.focus();
  }

  async function endIt() {
    const mine = running;
    try {
      await send('DELETE', path(mine.webhook.id, '/recover'));
      Object.assign(mine, { isOver: true, isEnded: true });
      if (mine === running) drawProgress();
    } catch (error) {
      sayError(error);
    }
  }

  return self;
}

/** What is filled in at first: what is in sight, else a day, or as far back as the newest failure. */
function startOf({ status, since, until, others = [] }, failed) {
  const day = new Date(Date.now() - DAY).toISOString();
  return {
    since: since || [day, failed?.createdAt ?? day].sort()[0],
    until,
    others,
    isTicked: ({ value, is }) => (ticked(status).length > 0 ? ticked(status).includes(value) : is),
  };
}

/** What is asked for, and how many these are. */
function recoverForm(webhooks, first, start, { signal, onRunning, onBegun }) {
  const webhook = select(webhooks.map((one) => ({ value: one.id, label: nameOf(one) })), first.id);
  const since = h('input', {
    type: 'datetime-local',
    max: LAST_MOMENT,
    value: toLocalField(start.since),
  });
  const until = h('input', { type: 'datetime-local', max: LAST_MOMENT, value: toLocalField(start.until) });
  const ticks = STATES.map((state) =>
    tick([state.label, h('span', { class: 'soft' }, `: ${state.hint}`)], start.isTicked(state), { value: state.value }),
  );
  const preview = h('p', { class: 'preview', 'aria-live': 'polite', data: { test: 'preview' } });
  const submit = h('button', { type: 'submit', class: 'first', form: 'recover-form', disabled: true }, 'Recover');
  const element = h(
    'form',
    { class: 'stack', id: 'recover-form', novalidate: true },
    h('p', { class: 'soft' }, WHAT_IT_DOES),
    start.others.length > 0 &&
      h('p', { class: 'note' }, `The list is narrowed by ${start.others.join(' and ')} as well; a recovery is not.`),
    field('Webhook', webhook),
    h(
      'div',
      { class: 'fields' },
      field('Changes from', since, { name: 'since' }),
      field('to', until, { name: 'until', hint: 'Empty: until now' }),
    ),
    h(
      'fieldset',
      { class: 'states', data: { field: 'states' } },
      h('legend', { class: 'strong' }, 'Which deliveries'),
      ticks,
    ),
    preview,
    errorLine(),
  );
  let asking = null;
  let counted = null;
  const chosen = () => webhooks.find(({ id }) => id === webhook.value);
  const input = () => ({
    since: fromLocalField(since.value),
    // The field shows a minute: the whole of it is meant.
    ...(until.value && { until: new Date(Date.parse(fromLocalField(until.value)) + 59_999).toISOString() }),
    states: ticks.map((box) => box.querySelector('input')).filter(({ checked }) => checked).map(({ value }) => value),
  });

  /** Why it cannot be counted yet; empty if it can. */
  const lacks = ({ since: from, states }) =>
    (!from && 'Choose from when on.') || (states.length === 0 && 'Tick at least one of these.') || '';

  const countSoon = debounce(REST, () => countNow());

  function countNow() {
    asking?.abort();
    if (!element.isConnected) return;
    const wanted = input();
    const lack = lacks(wanted);
    if (lack) return say(lack);
    const mine = (asking = new AbortController());
    const tell = (text, ms) => setTimeout(() => put(preview, h('span', { class: 'soft' }, text)), ms);
    const hints = [
      tell('Counting…', SOON),
      tell('Counting. A long span takes a while, since every change in it is looked at…', SLOW),
    ];
    const isOver = () => hints.forEach(clearTimeout);
    // Another count has taken its place: that one tells now.
    mine.signal.addEventListener('abort', isOver);
    ask(mine, wanted).finally(isOver);
  }

  async function ask(mine, wanted) {
    try {
      const body = { ...wanted, dryRun: true };
      const { data } = await send('POST', path(webhook.value, '/recover'), body, { signal: mine.signal, within: LONGEST });
      if (mine !== asking) return;
      counted = data.wouldSend;
      clearErrors(element);
      submit.disabled = counted === 0;
      put(submit, counted ? `Recover ${count(counted)}` : 'Recover');
      const would = counted === 1 ? '1 delivery would be sent.' : `${count(counted)} deliveries would be sent.`;
      const none = 'Nothing in this span is to be sent.';
      put(preview, h('span', { class: counted ? 'strong' : 'soft' }, counted ? would : none));
    } catch (error) {
      if (error.name === 'AbortError' || mine !== asking) return;
      say('');
      failed(error);
    }
  }

  function say(text) {
    counted = null;
    submit.disabled = true;
    put(submit, 'Recover');
    put(preview, h('span', { class: 'soft' }, text));
  }

  /** Shows an error where it belongs, without taking the focus from a field in which somebody types. */
  function failed(error) {
    const had = document.activeElement;
    showError(element, error);
    if (element.contains(had)) had.focus();
  }

  element.addEventListener('input', () => {
    clearErrors(element);
    asking?.abort();
    asking = null;
    submit.disabled = true;
    // It was about what was asked before.
    put(preview, h('span', { class: 'soft' }, preview.textContent));
    countSoon();
  });
  webhook.addEventListener('change', () => chosen().recovery && onRunning(chosen()));
  element.addEventListener('submit', (event) => {
    event.preventDefault();
    if (counted === null) return;
    busy(submit, async () => {
      const expected = counted;
      try {
        const { data } = await send('POST', path(webhook.value, '/recover'), input());
        onBegun(chosen(), data, expected);
      } catch (error) {
        showError(element, error);
      }
    });
  });
  signal.addEventListener('abort', () => asking?.abort());

  return {
    element,
    submit,
    count: countNow,
    stop() {
      asking?.abort();
      asking = null;
    },
  };
}

const deliveriesLink = ({ id }) =>
  h('a', { class: 'button', href: `/deliveries?webhook=${encodeURIComponent(id)}` }, 'See its deliveries');

const spanOf = (recovery) =>
  `Changes from ${full(recovery.since)} to ${full(recovery.until)}: ${statesOf(recovery)}.`;

const statesOf = ({ states }) =>
  states.map((value) => (STATES.find((state) => state.value === value)?.label ?? value).toLowerCase()).join(', ');

/** How far it is; a bar without an end where the server does not say. */
const bar = (progress) =>
  h('progress', {
    max: '1',
    'aria-label': 'How much has been looked at',
    ...(Number.isFinite(progress) && { value: progress }),
  });

const percent = (progress) => (Number.isFinite(progress) ? `${Math.floor(progress * 100)} % looked at, ` : '');

function said(queued, { expected, isOver, isEnded }) {
  const number = many(queued, 'delivery', 'deliveries');
  if (isEnded) return `Ended. ${number} had been put in line and go out; the rest do not.`;
  if (isOver && queued) return `Done: ${number} in line, which go out in order.`;
  if (isOver) return 'Done: all are in line and go out in order.';
  return expected ? `${number} of about ${count(expected)} put in line` : `${number} put in line`;
}

/**
 * The lines that show which recoveries are under way.
 * @returns {HTMLElement & {update: (webhooks: object[]) => void}}
 */
export function recoveryBanner() {
  const element = h('div', { class: 'recoveries', role: 'status', 'aria-live': 'off', data: { test: 'recoveries' } });
  let stamp = '';
  element.update = (webhooks) => {
    const under = webhooks.filter(({ recovery }) => recovery);
    const now = JSON.stringify(under.map(({ id, description, recovery }) => [id, description, recovery]));
    if (now === stamp) return;
    stamp = now;
    keepFocus(() => put(element, under.map(line)));
  };
  return element;
}

const line = (webhook) =>
  h(
    'div',
    { class: 'note recovery-line' },
    h('span', { class: 'strong' }, 'Recovering ', h('bdi', {}, nameOf(webhook))),
    bar(webhook.recovery.progress),
    h(
      'span',
      { class: 'soft' },
      percent(webhook.recovery.progress),
      `${many(webhook.recovery.queued, 'delivery', 'deliveries')} in line, begun `,
      when(webhook.recovery.createdAt),
    ),
    button('Show', { class: 'small', data: { key: `recovery-${webhook.id}` } }, () =>
      openRecover({ webhookId: webhook.id }),
    ),
  );
