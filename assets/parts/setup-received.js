// setup-received: what came in from Make last, or why it was refused, and what to do then. Must not fetch anything.

import { h, put } from './dom.js';
import { icon } from './icons.js';
import { adviceOnReceived } from './setup-advice.js';
import { adviceBox } from './setup-test.js';
import { isTaken } from './test-result.js';
import { when } from './time.js';

const RESULTS = {
  created: 'A task was made',
  updated: 'A task was changed',
  deleted: 'A task was deleted',
  unchanged: 'The task was already so; nothing was changed',
  duplicate: 'The same one had come before; nothing was done twice',
  ignored: 'It was ignored: a late echo, or the deletion of a task that is not there',
};

/** A line that stays on the page and says what came in last. */
export function receivedLine() {
  const line = h('div', { class: 'received', role: 'status' });
  const help = h('div', { class: 'stack' });
  let stamp = '';
  return {
    element: h('div', { class: 'stack', data: { test: 'received' } }, h('h3', {}, 'Last received'), line, help),
    /** @param {Api.LastReceived|null} received */
    show(received) {
      const now = JSON.stringify(received);
      if (now === stamp) return;
      stamp = now;
      put(line, received ? said(received) : nothing());
      put(help, received && !isTaken(received) && adviceBox(adviceOnReceived(received)));
    },
  };
}

const nothing = () => [
  h('span', { class: 'mark plain' }, icon('clock'), 'Nothing yet'),
  h('span', { class: 'soft' }, 'since btk was started. This line follows by itself.'),
];

/** @param {Api.LastReceived} received */
function said(received) {
  const at = h('span', { class: 'soft' }, when(received.at));
  if (isTaken(received)) {
    const { result, event, taskId, agent } = received;
    return [
      h('span', { class: 'mark good' }, icon('check'), RESULTS[result] ?? result ?? 'Taken'),
      taskId &&
        (result === 'deleted'
          ? h('code', {}, taskId)
          : h('a', { href: `/?open=${encodeURIComponent(taskId)}`, class: 'mono' }, taskId)),
      event && h('code', { class: 'soft' }, event),
      agent && h('span', { class: 'soft' }, 'by ', h('bdi', {}, agent)),
      at,
    ];
  }
  return [
    h('span', { class: 'mark bad' }, icon('alert'), `Refused with ${received.status}`),
    at,
    h('p', { class: 'whole' }, received.error),
  ];
}
