// test-result: what a receiver answered to a test event: whether it took it, the status, how long it took, what that
// means in words, and the beginning of its answer. Must not send anything.

import { h } from './dom.js';
import { icon } from './icons.js';
import { span } from './time.js';
import { eventLabel } from './words.js';

/** Whether whoever answered took it; what was not answered, or not sent, was not taken. */
export const isTaken = (answer) => answer?.status >= 200 && answer?.status < 300;

const summary = ({ status, ms }) =>
  status === null ? `No answer after ${span(ms)}` : `Answered ${status} after ${span(ms)}`;

/**
 * The result of a test.
 * @param {{event: string, id: string, status: number|null, ms: number, error: string|null, excerpt: string|null,
 *   reasonText: string}} result as the API answered it
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
    h('p', {}, result.reasonText),
    result.excerpt && [
      h('p', { class: 'soft' }, 'The beginning of the answer'),
      h('pre', { class: 'excerpt', tabindex: '0', 'aria-label': 'The beginning of the answer' }, result.excerpt),
    ],
    h('p', { class: 'soft' }, 'The receiver saw the webhook-id ', h('code', {}, result.id)),
  );
}
