// webhook-order: in which order webhooks are listed. Must not fetch or draw anything.

import { nameOf } from './webhook-words.js';
import { WEBHOOK_STATUSES } from './words.js';

export const WEBHOOK_SORTS = [
  { value: 'trouble', label: 'Trouble first' },
  { value: 'name', label: 'Name' },
  { value: 'newest', label: 'Newest' },
  { value: 'waiting', label: 'Most waiting' },
  { value: 'lag', label: 'Slowest' },
];

const TONES = ['bad', 'warn', 'good'];

/** How little is well, the worst first; a state that nobody here knows is no good one. */
const wellness = ({ status }) =>
  Math.max(0, TONES.indexOf(WEBHOOK_STATUSES.find(({ value }) => value === status)?.tone ?? ''));

const names = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });
const latest = (a, b) => b.createdAt.localeCompare(a.createdAt) || names.compare(a.id, b.id);

/**
 * The webhooks in an order; equals by the newest.
 * @param {Api.Webhook[]} webhooks
 * @param {string} sort
 * @param {Map<string, Api.WebhookFigures>} figures by the id of the webhook
 */
export function inOrder(webhooks, sort, figures) {
  const lastFailed = ({ id }) => (figures.get(id)?.lastAnswer?.error ? 0 : 1);
  const lag = ({ id }) => figures.get(id)?.lagP50Ms ?? -1;
  const by = {
    trouble: (a, b) => wellness(a) - wellness(b) || lastFailed(a) - lastFailed(b),
    name: (a, b) => names.compare(nameOf(a), nameOf(b)),
    newest: () => 0,
    waiting: (a, b) => b.waiting - a.waiting,
    lag: (a, b) => lag(b) - lag(a),
  };
  return webhooks.toSorted((a, b) => by[sort](a, b) || latest(a, b));
}
