// delivery-attempts: the requests of a delivery, one after the other, and what each answer means.
// Must not fetch anything.

import { h } from './dom.js';
import { full, inLocalTime, span, when } from './time.js';

const MOST = 10; // attempts that are shown at first

export const TONES = { delivered: 'good', retry: 'warn', held: 'warn', failed: 'bad', unknown: 'info' };
/** How an attempt ended, as people read it. */
export const OUTCOMES = {
  delivered: 'Delivered',
  retry: 'Failed, tried again',
  held: 'Failed, held',
  failed: 'Failed for good',
  unknown: 'Not known',
};
const UNKNOWN =
  'The server ended while this request was under way, so it may have arrived. It is sent again with the same ' +
  'webhook-id, by which a receiver can tell that it has it already.';

/**
 * The requests as steps in time, the newest first.
 * @param {Api.Attempt[]} attempts
 * @param {{isWhole: boolean, onWhole: () => void}} options without `isWhole` only the newest are shown
 */
export function attemptsList(attempts, { isWhole, onWhole }) {
  if (attempts.length === 0) return h('p', { class: 'soft' }, 'No request has been made yet.');
  const shown = isWhole ? attempts : attempts.slice(-MOST);
  const all = { type: 'button', class: 'small', data: { key: 'all-attempts' }, on: { click: onWhole } };
  return [
    h(
      'ol',
      { class: 'timeline attempts-list', reversed: true, 'aria-label': 'Attempts, the newest first' },
      [...shown].reverse().map(step),
    ),
    shown.length < attempts.length && h('div', {}, h('button', all, `Show all ${attempts.length}`)),
  ];
}

/** @param {Api.Attempt} attempt */
function step({ number, startedAt, ms, status, error, excerpt, outcome }) {
  return h(
    'li',
    { class: TONES[outcome], data: { outcome } },
    h(
      'div',
      { class: 'row' },
      h('span', { class: 'strong' }, `Attempt ${number}`),
      h('span', { class: ['mark', TONES[outcome]] }, OUTCOMES[outcome]),
      status !== null && h('span', { class: 'chip mono' }, String(status)),
      h('span', { class: 'soft' }, full(startedAt), ' (', when(startedAt), ')', ms !== null && `, took ${span(ms)}`),
    ),
    h('p', {}, meaning(outcome, error)),
    excerpt && h('pre', { class: 'excerpt', dir: 'auto', tabindex: '0', 'aria-label': `Answer to attempt ${number}` }, excerpt),
  );
}

/**
 * @param {Api.AttemptOutcome} outcome
 * @param {string|null} error
 */
function meaning(outcome, error) {
  if (outcome === 'unknown') return [error, UNKNOWN].filter(Boolean).join(' ');
  return inLocalTime(error) ?? 'The receiver took it.';
}
