// delivery-event: the change that a delivery tells of: its kind and what was before and is now.
// Must not fetch anything.

import { h } from './dom.js';
import { full } from './time.js';
import { STATUSES, PRIORITIES, eventLabel, labelOf } from './words.js';

const LONG = 300;
const NAMES = { dueDate: 'Due date', createdAt: 'Created', updatedAt: 'Updated' };
const isMoment = (name) => ['createdAt', 'updatedAt'].includes(name);

/** What the event is about, for a title. */
export const subjectOf = ({ task, taskId }) => task?.title ?? task?.text ?? taskId;

const nameOf = (field) => NAMES[field] ?? field.charAt(0).toUpperCase() + field.slice(1);

/** A value of a field as people read it. */
function words(field, value) {
  if (value === null || value === undefined || value === '') return 'nothing';
  if (field === 'status') return labelOf(STATUSES, value);
  if (field === 'priority') return labelOf(PRIORITIES, value);
  if (isMoment(field)) return full(value);
  if (Array.isArray(value)) return value.map((one) => one?.name ?? String(one)).join(', ') || 'nothing';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return text.length > LONG ? `${text.slice(0, LONG)}…` : text;
}

/** The event. */
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

const fact = (name, ...content) => [h('dt', {}, name), h('dd', {}, content)];

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
      fields.map((field) => fact(nameOf(field), change(field, previous, task))),
    ),
  );
}

function change(field, previous, task) {
  const now = h('ins', {}, words(field, task?.[field]));
  if (!previous) return now;
  return [h('del', {}, words(field, previous[field])), h('span', { class: 'soft', 'aria-hidden': 'true' }, ' → '), now];
}
