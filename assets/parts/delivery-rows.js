// delivery-rows: one line of the list of deliveries. Must not fetch anything.

import { around, h } from './dom.js';
import { inLocalTime, next, when } from './time.js';
import { DELIVERY_STATUSES, eventLabel, mark } from './words.js';

export const COLUMNS = ['State', 'Event', 'Task', 'Webhook', 'Attempts', 'When', 'Why'];

/**
 * What makes a row look as it does.
 * @param {Api.Delivery} row
 * @param {string} name of its webhook
 * @param {boolean} isOpen
 */
export const stampOf = (row, name, isOpen) =>
  [row.status, row.reasonText, row.attemptCount, row.nextAttemptAt, row.taskTitle, name, isOpen].join('|');

const cell = (name, ...content) => h('div', { role: 'gridcell', class: ['cell', `cell-${name}`] }, content);

/**
 * A row.
 * @param {Api.Delivery} row
 * @param {{index: number, name: string, isOpen: boolean, onOpen: () => void}} more `name`: of its webhook
 */
export function deliveryRow(row, { index, name, isOpen, onOpen }) {
  const onClick = (event) => {
    // The link within has its own way, and a text that was just selected is to be copied.
    if (!around(event.target, 'a') && !String(getSelection())) onOpen();
  };
  return h(
    'div',
    {
      class: ['delivery', isOpen && 'is-open', !row.reasonText && 'is-quiet'],
      role: 'row',
      tabindex: '-1',
      'aria-rowindex': index + 2,
      'aria-selected': 'false',
      data: { id: row.id, status: row.status },
      on: { click: onClick },
    },
    cell('state', mark(DELIVERY_STATUSES, row.status)),
    cell('event', eventLabel(row.event)),
    cell('task', taskLink(row)),
    cell('webhook', h('span', { class: 'clip', dir: 'auto', title: row.webhookId }, name)),
    cell('attempts', h('span', { title: attempts(row.attemptCount) }, String(row.attemptCount))),
    cell('when', when(row.createdAt)),
    cell('why', h('span', { class: 'clip', title: inLocalTime(row.reasonText) }, inLocalTime(row.reasonText) ?? ''), nextTry(row)),
  );
}

const attempts = (n) => (n === 1 ? '1 attempt' : `${n} attempts`);

/** The task by its title. An alert tells of a webhook, not of a task on the board. */
/** @param {Api.Delivery} row */
function taskLink({ taskId, taskTitle }) {
  if (taskId.startsWith('webhook:')) return h('span', { class: 'clip mono' }, taskId);
  const href = `/?open=${encodeURIComponent(taskId)}`;
  return h('a', { class: ['clip', !taskTitle && 'mono'], href, dir: 'auto', title: taskId, tabindex: '-1' }, taskTitle ?? taskId);
}

/**
 * Whether the next request is this one's own: of a webhook that is not up, a single one goes out for all that waits.
 * @param {Api.Delivery} row
 */
export const hasOwnNext = ({ nextAttemptAt, reason }) => Boolean(nextAttemptAt) && !reason?.startsWith('webhook_');

/** @param {Api.Delivery} row */
const nextTry = (row) =>
  row.nextAttemptAt && hasOwnNext(row) && h('span', { class: 'next' }, 'next ', next(row.nextAttemptAt));

/** The place of a row that is on its way. */
export const blankRow = () => h('div', { class: 'delivery blank', role: 'row' }, h('span', {}, ''));
