// overview-attention: what a person should look at, with the way there. Must not fetch anything.

import { h, put } from './dom.js';
import { icon } from './icons.js';
import { notUp, oldestWaiting } from './overview-tiles.js';
import { inLocalTime, when } from './time.js';
import { inOrder } from './webhook-order.js';
import { nameOf, nextLook } from './webhook-words.js';
import { WEBHOOK_STATUSES, many, mark } from './words.js';

const MOST = 5; // webhooks that are listed one by one
const LATE = 60_000; // milliseconds after which what waits is worth a line

const linked = (path, query, ...words) => h('a', { href: `${path}?${new URLSearchParams(query)}` }, words);

/**
 * Brings the list up to date. It is read out when it changes, so one that says the same stays.
 * @param {HTMLElement} place
 * @param {{webhooks: Api.Webhook[], figures: Api.WebhookFigures[], failed: number}} found `failed`: deliveries that have failed for good
 */
export function drawAttention(place, { webhooks, figures, failed }) {
  const lines = [...ofWebhooks(webhooks, figures), ofFailed(failed), ofHeld(webhooks), ofOldest(figures, webhooks)].filter(Boolean);
  const calm = h('p', { class: 'mark good calm' }, icon('check'), 'Nothing needs attention');
  const next = /** @type {HTMLElement} */ (place.cloneNode(false));
  put(next, h('h2', {}, 'Needs attention'), lines.length > 0 ? h('ul', {}, lines) : calm);
  if (!timeless(next).isEqualNode(timeless(place))) place.replaceChildren(...next.childNodes);
}

/**
 * A copy without how far its moments are: that goes on by itself and is nothing new.
 * @param {HTMLElement} place
 */
function timeless(place) {
  const copy = /** @type {HTMLElement} */ (place.cloneNode(true));
  for (const moment of copy.querySelectorAll('time')) moment.textContent = '';
  return copy;
}

/**
 * In the order in which their page has them.
 * @param {Api.Webhook[]} webhooks
 * @param {Api.WebhookFigures[]} figures
 */
function ofWebhooks(webhooks, figures) {
  const bad = inOrder(notUp(webhooks), 'trouble', new Map(figures.map((entry) => [entry.webhookId, entry])));
  const lines = bad
    .slice(0, MOST)
    .map((webhook) =>
      h(
        'li',
        {},
        mark(WEBHOOK_STATUSES, webhook.status),
        h(
          'div',
          { class: 'grow' },
          h(
            'p',
            {},
            h('a', { href: '/webhooks', dir: 'auto', data: { key: `webhook-${webhook.id}` } }, nameOf(webhook)),
            h('span', { class: 'soft' }, ` ${webhook.url}`),
          ),
          h('p', { class: 'soft' }, inLocalTime(webhook.reasonText), nextLook(webhook)),
        ),
      ),
    );
  const left = bad.length - lines.length;
  if (left > 0)
    lines.push(
      h('li', {}, h('a', { href: '/webhooks', data: { key: 'webhooks-left' } }, `and ${many(left, 'more webhook')}`)),
    );
  return lines;
}

function ofFailed(failed) {
  if (!failed) return null;
  return h(
    'li',
    {},
    h('span', { class: 'mark bad' }, icon('alert'), 'Failed'),
    h(
      'div',
      { class: 'grow' },
      h(
        'p',
        {},
        linked('/deliveries', { status: 'failed' }, many(failed, 'delivery', 'deliveries')),
        failed === 1 ? ' has' : ' have',
        ' failed for good.',
      ),
      h(
        'p',
        { class: 'soft' },
        'See what the receiver answered, mend it, then redeliver them, one by one or all in the list, or recover a span of time.',
      ),
    ),
  );
}

/**
 * What the webhooks hold for its own sake; what waits for a webhook stands with that.
 * @param {Api.Webhook[]} webhooks
 */
function ofHeld(webhooks) {
  const held = webhooks.reduce((all, webhook) => all + webhook.held, 0);
  if (!held) return null;
  return h(
    'li',
    {},
    h('span', { class: 'mark warn' }, icon('pause'), 'Held'),
    h(
      'div',
      { class: 'grow' },
      h('p', {}, linked('/deliveries', { status: 'held' }, many(held, 'delivery', 'deliveries')), held === 1 ? ' is held for its own sake.' : ' are held for their own sake.'),
      h('p', { class: 'soft' }, 'See what the receiver answered, mend it, then send all that a webhook holds again on its card.'),
    ),
  );
}

/**
 * @param {Api.WebhookFigures[]} figures
 * @param {Api.Webhook[]} webhooks
 */
function ofOldest(figures, webhooks) {
  const oldest = oldestWaiting(figures);
  if (!oldest || Date.now() - Date.parse(oldest.oldestWaitingAt) < LATE) return null;
  const webhook = webhooks.find(({ id }) => id === oldest.webhookId);
  const name = webhook ? nameOf(webhook) : oldest.webhookId;
  return h(
    'li',
    {},
    h('span', { class: 'mark warn' }, icon('clock'), 'Waits'),
    h(
      'div',
      { class: 'grow' },
      h(
        'p',
        {},
        'The oldest change that has not arrived was made ',
        when(oldest.oldestWaitingAt),
        ', for ',
        linked('/deliveries', { webhook: oldest.webhookId }, h('bdi', {}, name)),
        '.',
      ),
      h(
        'p',
        { class: 'soft' },
        'It goes out by itself when the receiver takes it; the delivery says what it waits for.',
      ),
    ),
  );
}
