// test-result: what a receiver answered to a test event: whether it took it, the status, how long it took, what that
// means in words, and the beginning of its answer. Must not send anything.

import { h } from './dom.js';
import { icon } from './icons.js';
import { inLocalTime, span } from './time.js';
import { eventLabel } from './words.js';

/**
 * Whether whoever answered took it; what was not answered, or not sent, was not taken.
 * @param {{status: number|null}|null} answer
 */
export const isTaken = (answer) => Math.floor((answer?.status ?? 0) / 100) === 2;

/** @param {Api.TestResult} result */
const summary = ({ status, ms }) =>
  status === null ? `No answer after ${span(ms)}` : `Answered ${status} after ${span(ms)}`;

/**
 * Milliseconds after which a test has an answer, or none that will come: the receiver's own time and some for ours.
 * @param {Api.Webhook} webhook
 */
export const longest = ({ timeoutSeconds }) => (timeoutSeconds + 10) * 1_000;

/** Only an answer shows that somebody was there. */
const whoSaw = ({ status }) =>
  status === null
    ? 'Nothing shows that anybody saw it. Its webhook-id was '
    : 'Whoever answered saw the webhook-id ';

/**
 * The result of a test.
 * @param {Api.TestResult} result
 * @returns {HTMLElement}
 */
export function testResult(result) {
  const taken = isTaken(result);
  return h(
    'div',
    {
      class: ['note', taken ? 'good' : 'bad', 'test-result'],
      data: { test: 'test-result', status: result.status ?? 'none' },
    },
    h(
      'p',
      { class: 'row' },
      h('span', { class: ['mark', taken ? 'good' : 'bad'] }, icon(taken ? 'check' : 'alert'), summary(result)),
      h('span', { class: 'soft' }, eventLabel(result.event)),
    ),
    h('p', {}, inLocalTime(result.reasonText)),
    result.excerpt && [
      h('p', { class: 'soft' }, 'The beginning of the answer'),
      h('pre', { class: 'excerpt', dir: 'auto', tabindex: '0', 'aria-label': 'The beginning of the answer' }, result.excerpt),
    ],
    h('p', { class: 'soft' }, whoSaw(result), h('code', {}, result.id)),
  );
}
