// delivery-event: the change that a delivery tells of: its kind and what was before and is now.
// Must not fetch anything.

import { fact, h } from './dom.js';
import { fieldName, fieldText } from './task-words.js';
import { full } from './time.js';
import { eventLabel } from './words.js';

/**
 * What the event is about, for a title.
 * @param {Api.Event} event
 */
export const subjectOf = ({ task }) => ('title' in task ? task.title : task.text);

/**
 * The event.
 * @param {Api.Event} event
 */
export function eventView(event) {
  return h(
    'div',
    { class: 'stack' },
    h(
      'dl',
      { class: 'facts' },
      fact('Kind', `${eventLabel(event.event)} `, h('code', { class: 'soft' }, event.event)),
      fact('Version', event.version ? `${event.version} of its task` : 'none: it is an alert'),
      fact('Came from', event.origin),
      fact('When', full(event.timestamp)),
      fact('Id', h('code', {}, event.id)),
    ),
    changes(event),
  );
}

/** @param {Api.Event} event */
function changes({ event, changed, previous, task }) {
  if (event === 'task_deleted') {
    return h('p', { class: 'soft' }, 'The task was deleted; the event carries it as it was last.');
  }
  // `updatedAt` moves with every change.
  const fields = changed.filter((field) => field !== 'updatedAt' || changed.length === 1);
  if (fields.length === 0) return null;
  return h(
    'div',
    { class: 'stack' },
    h('h4', {}, 'What changed'),
    h(
      'dl',
      { class: 'facts changes' },
      fields.map((field) => fact(fieldName(field), change(field, previous, task))),
    ),
  );
}

function change(field, previous, task) {
  const now = h('ins', { dir: 'auto' }, fieldText(field, task?.[field]));
  if (!previous) return now;
  return [h('del', { dir: 'auto' }, fieldText(field, previous[field])), h('span', { class: 'soft', 'aria-hidden': 'true' }, ' → '), now];
}
