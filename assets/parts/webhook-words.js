// webhook-words: a webhook in words: its name, what it gets, where its deliveries are. Must not ask the server.

import { folded } from './task-rules.js';
import { next } from './time.js';
import { PRIORITIES, STATUSES, apart, eventLabel, labelOf } from './words.js';

/**
 * How it is called: its line for people, else its id.
 * @param {{id: string, description: string|null}} webhook
 */
export const nameOf = (webhook) => webhook.description || webhook.id;

/**
 * How it is called within a sentence.
 * @param {{id: string, description: string|null}} webhook
 */
export const namedIn = (webhook) => apart(nameOf(webhook));

const LONG = 12; // letters of a secret that shows its last four; the server has the same number

/**
 * An address as the server shows it: its host, and the last letters of what is long enough. The whole of one stands
 * only in the answer that made it.
 * @param {string} url
 */
export function masked(url) {
  try {
    const { origin, pathname, search, hash } = new URL(url);
    const [last] = /[\w-]*$/.exec(pathname + search + hash) ?? [''];
    return `${origin}/…${last.length < LONG ? '' : last.slice(-4)}`;
  } catch {
    return '…';
  }
}

/**
 * When a single request looks whether it is back, as the end of a sentence; nothing where none is due.
 * @param {{nextProbeAt: string|null}} webhook
 */
export const nextLook = ({ nextProbeAt }) => nextProbeAt && [' The next look is ', next(nextProbeAt), '.'];

/**
 * Those of the settings are made by a setting; null for others.
 * @param {Api.Webhook} webhook
 */
export const settingOf = ({ id, readOnly }) => (readOnly ? (id === 'alerts' ? 'ALERT_URL' : 'WEBHOOK_URL') : null);

/**
 * The address of its deliveries.
 * @param {string} id
 * @param {Api.DeliveryStatus} [status]
 */
export const deliveriesOf = (id, status) =>
  `/deliveries?${new URLSearchParams({ webhook: id, ...(status && { status }) })}`;

/**
 * What waits has one state while all goes well and another while the webhook is not up.
 * @param {Api.Webhook} webhook
 * @returns {Api.DeliveryStatus}
 */
export const waitingState = ({ status }) => (['up', 'refusing'].includes(status) ? 'pending' : 'held');

const NOUNS = { type: 'type', category: 'category', status: 'status', priority: 'priority', tag: 'tag' };
/** @type {Record<string, import('./words.js').Words>} */
const LABELS = { status: STATUSES, priority: PRIORITIES };
const ALL_KINDS = 4; // of changes

/**
 * @param {string[]} words
 * @param {string} last
 */
const listed = (words, last) =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`;

/**
 * What it gets, as a sentence: `Created and Deleted; only priority High or Urgent; not from make; body full.`
 * @param {Api.Webhook} webhook
 */
export function whatItGets({ id, events, filter, ignoreOrigin, payload }) {
  const all = id === 'alerts' ? 'All alerts' : 'All changes';
  const kinds = events.length >= ALL_KINDS ? all : listed(events.map(eventLabel), 'and');
  const only = Object.entries(filter)
    .filter(([, values]) => values.length > 0)
    .map(
      ([name, values]) =>
        `${NOUNS[name] ?? name} ${listed(
          values.map((value) => apart(labelOf(LABELS[name] ?? [], value))),
          'or',
        )}`,
    );
  return [
    kinds,
    only.length > 0 && `only ${listed(only, 'and')}`,
    ignoreOrigin.length > 0 && `not from ${listed(ignoreOrigin, 'or')}`,
    id !== 'alerts' && `payload ${payload}`,
  ]
    .filter(Boolean)
    .join('; ');
}

/**
 * Whether a webhook fits what somebody looks for.
 * @param {Api.Webhook} webhook
 * @param {string} q
 */
export function fits(webhook, q) {
  if (!q) return true;
  const { id, description, url, source, status, events } = webhook;
  const text = folded([id, description, url, source, status, ...events, ...events.map(eventLabel)].join(' '));
  return folded(q)
    .split(/\s+/)
    .every((word) => text.includes(word));
}
