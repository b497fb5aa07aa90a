// webhook-values: what can be set on a webhook: its defaults, what differs, and the headers, whose stored values are
// never known here. Must not draw anything.

import { EVENTS } from './words.js';

/** What stands for a stored value of a header; sent back, it keeps that value. */
export const KEPT = '…';

/**
 * What can be set; a number that was not typed as one stays a text.
 * @typedef {{description: string|null, events: string[], filter: Required<Api.Filter>, ignoreOrigin: string[],
 *   payload: string, headers: Record<string, string>, profile: string, ratePerSecond: number|string|null,
 *   timeoutSeconds: number|string, maxAttempts: number|string, onReject: string, source: string|null}} Values
 */

/**
 * As the API makes one of which only the address is named.
 * @type {Values}
 */
export const DEFAULTS = {
  description: null,
  events: EVENTS.map(({ value }) => value),
  filter: { type: [], category: [], status: [], priority: [], tag: [] },
  ignoreOrigin: [],
  payload: 'full',
  headers: {},
  profile: 'auto',
  ratePerSecond: null,
  timeoutSeconds: 10,
  maxAttempts: 3,
  onReject: 'skip',
  source: null,
};

/**
 * What can be set, as it stands.
 * @param {Api.Webhook|null} webhook
 * @returns {Values}
 */
export const valuesOf = (webhook) => ({
  ...DEFAULTS,
  ...(webhook && Object.fromEntries(Object.keys(DEFAULTS).map((name) => [name, webhook[name]]))),
});

/** Lists here are sets, and maps have no order: neither order is a difference. */
function stamp(value) {
  if (Array.isArray(value)) return JSON.stringify([...value].sort());
  if (value && typeof value === 'object') {
    return JSON.stringify(
      Object.entries(value)
        .map(([key, inner]) => [key, stamp(inner)])
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  }
  return JSON.stringify(value);
}

/**
 * Those of `after` that differ from `before`.
 * @param {Partial<Values>} before
 * @param {Partial<Values>} after
 */
export const differing = (before, after) =>
  Object.fromEntries(Object.entries(after).filter(([name, value]) => stamp(value) !== stamp(before[name])));

/**
 * A whole number as it was typed; what is none goes as it is, and the server says what is allowed.
 * @param {string} text
 */
export function numberOf(text) {
  const typed = text.trim();
  if (typed === '') return null;
  return /^\d{1,9}$/.test(typed) ? Number(typed) : typed;
}
