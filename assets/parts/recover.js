// recover: sending a webhook what it missed: a dialog that counts before it begins and shows how far it is, and the
// line on a page while one runs. Must not know which page it is on.

import { get, send } from './api.js';
import { open } from './dialog.js';
import { h, keepFocus, put } from './dom.js';
import { button } from './form.js';
import { watch } from './live.js';
import { pathOf, recoverForm, startOf, statesOf, ticked } from './recover-form.js';
import { full, when } from './time.js';
import { sayError } from './toast.js';
import { nameOf } from './webhook-words.js';
import { count, many } from './words.js';

const MOST = 1_000; // of a page of the API: more webhooks than there can be
const GOES_ON =
  'It goes on by itself when you close this, also over a restart. Newer changes wait until all are in line.';

/** @typedef {import('./recover-form.js').Sight} Sight */

/** @type {{refresh: () => Promise<void>}|null} the dialog that is open; the pages' changes are followed once for all */
let current = null;
/** @type {(() => void)|null} */
let follow = null;

/**
 * Opens the dialog, with what the page that asks for it has in sight.
 * @param {Sight} [sight]
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

/**
 * The webhook that it is most likely about: the one in sight, one that is being recovered, one with what is ticked, one
 * that is not well.
 * @param {Api.Webhook[]} webhooks
 * @param {string|undefined} wanted
 * @param {Api.Delivery|null} failed
 */
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

/**
 * A recovery that is shown; `expected`: how many were counted before it.
 * @typedef {{webhook: Api.Webhook, recovery: Api.RecoveryStarted, expected: number|null, isOver?: boolean,
 *   isEnded?: boolean}} Running
 */

/**
 * @param {Api.Webhook[]} webhooks
 * @param {Sight} sight
 * @param {Api.Delivery|null} failed the newest of what is ticked
 */
function recoverDialog(webhooks, sight, failed) {
  const first = likely(webhooks, sight.webhookId, failed);
  const body = h('div', { class: 'stack recover' });
  const place = h('div', { class: 'stack', data: { test: 'progress' } });
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
  /** @type {Running|null} while one is shown */
  let running = null;
  const self = { refresh };

  if (!first) {
    put(body, h('p', {}, 'There is no webhook yet. ', h('a', { href: '/webhooks' }, 'Add a webhook'), ' first.'));
    put(foot, button('Close', {}, box.close));
    return self;
  }
  const form = recoverForm(webhooks, first, startOf(sight, failed), {
    signal: stopped.signal,
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

  /**
   * @param {Api.Webhook} webhook
   * @param {Api.RecoveryStarted} recovery
   * @param {number|null} expected
   */
  function begin(webhook, recovery, expected) {
    form.stop();
    running = { webhook, recovery, expected };
    put(body, place);
    drawProgress();
    follow?.();
  }

  async function refresh() {
    const mine = running;
    if (!mine || mine.isOver) return;
    const { data } = await get(pathOf(mine.webhook.id, ''), {}, { signal: stopped.signal });
    if (mine !== running) return;
    const isAnother = data.recovery && data.recovery.createdAt !== mine.recovery.createdAt;
    if (data.recovery && !isAnother) mine.recovery = data.recovery;
    else mine.isOver = true;
    drawProgress();
  }

  function drawProgress() {
    if (!running) return;
    const { webhook, recovery, expected, isOver, isEnded } = running;
    // The last number that was seen may be from before the end.
    const queued = isOver && !isEnded ? Math.max(recovery.queued, expected ?? 0) : recovery.queued;
    keepFocus(() => {
      put(
        place,
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
    if (!box.element.contains(document.activeElement)) [...foot.querySelectorAll('button')].at(-1)?.focus();
  }

  async function endIt() {
    const mine = running;
    if (!mine) return;
    try {
      await send('DELETE', pathOf(mine.webhook.id, '/recover'));
      Object.assign(mine, { isOver: true, isEnded: true });
      if (mine === running) drawProgress();
    } catch (error) {
      sayError(error);
    }
  }

  return self;
}

const deliveriesLink = ({ id }) =>
  h('a', { class: 'button', href: `/deliveries?webhook=${encodeURIComponent(id)}` }, 'See its deliveries');

/** @param {Api.RecoveryStarted} recovery */
const spanOf = (recovery) =>
  `Changes from ${full(recovery.since)} to ${full(recovery.until)}: ${statesOf(recovery)}.`;

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
 */
export function recoveryBanner() {
  const element = h('div', { class: 'recoveries', role: 'status', 'aria-live': 'off', data: { test: 'recoveries' } });
  let stamp = '';
  /** @param {Api.Webhook[]} webhooks */
  const update = (webhooks) => {
    const under = webhooks.flatMap((one) => (one.recovery ? { ...one, recovery: one.recovery } : []));
    const now = JSON.stringify(under.map(({ id, description, recovery }) => [id, description, recovery]));
    if (now === stamp) return;
    stamp = now;
    keepFocus(() => put(element, under.map(line)));
  };
  return Object.assign(element, { update });
}

/** @param {Api.Webhook & {recovery: Api.RecoveryStarted}} webhook */
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
