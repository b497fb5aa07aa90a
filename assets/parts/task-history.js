// task-history: what happened to a task, the newest first, each with what became of it at the webhooks.
// Must not change anything.

import { get } from './api.js';
import { h, put } from './dom.js';
import { fieldName, fieldText } from './task-words.js';
import { full, inLocalTime, when } from './time.js';
import { namesOf } from './webhook-names.js';
import { DELIVERY_STATUSES, eventLabel, mark } from './words.js';

const MOST = 20;

/** A field's old and new value in a line. */
export const change = (field, before, after) =>
  h(
    'p',
    { class: 'change' },
    h('span', { class: 'soft' }, `${fieldName(field)}: `),
    h('del', { dir: 'auto' }, fieldText(field, before)),
    ' → ',
    h('span', { dir: 'auto' }, fieldText(field, after)),
  );

const TONES = { task_created: 'good', task_deleted: 'bad' };
// What is done here and over the API is the rule, and needs no word.
const ORIGINS = { api: '', incoming: ' · by an incoming webhook' };

/**
 * One event: what changed, when, where it came from; its deliveries when somebody asks.
 * @param {Api.TaskEvent} event
 */
function entryOf(event) {
  const deliveries = deliveriesOf(event.id);
  const { previous } = event;
  const element = h(
    'li',
    { class: TONES[event.event] ?? 'info', data: { test: 'event' } },
    h(
      'p',
      {},
      h('span', { class: 'strong' }, eventLabel(event.event)),
      h(
        'span',
        { class: 'soft' },
        ` ${full(event.timestamp)} (`,
        when(event.timestamp),
        ')',
        ORIGINS[event.origin] ?? ` · from ${event.origin}`,
      ),
    ),
    previous && event.event !== 'task_deleted'
      ? event.changed.map((field) => change(field, previous[field], event.task[field]))
      : null,
    deliveries.element,
  );
  return { element, refresh: deliveries.refresh };
}

function deliveriesOf(eventId) {
  const content = h('div', { class: 'stack history-deliveries' });
  const element = h(
    'details',
    { class: 'more', on: { toggle: () => refresh() } },
    h('summary', {}, 'Webhooks'),
    content,
  );

  /**
   * @param {Api.WebhookStory} story
   * @param {string} name
   */
  const line = ({ webhookId, text, delivery }, name) =>
    h(
      'p',
      {},
      delivery ? mark(DELIVERY_STATUSES, delivery.status) : h('span', { class: 'mark plain' }, 'Not sent'),
      ' ',
      h('bdi', { class: 'strong', title: webhookId }, name),
      h('span', { class: 'soft' }, ` ${inLocalTime(text)}`),
    );

  async function refresh() {
    if (!element.open) return;
    try {
      const { data } = await get(`/api/events/${encodeURIComponent(eventId)}`);
      const nameOf = await namesOf(data.webhooks.map(({ webhookId }) => webhookId));
      put(
        content,
        data.webhooks.length > 0 ? data.webhooks.map((each) => line(each, nameOf(each.webhookId))) : h('p', { class: 'soft' }, 'There is no webhook.'),
        h('a', { href: `/deliveries?event=${encodeURIComponent(eventId)}` }, 'Open in Deliveries'),
      );
    } catch (error) {
      put(content, h('p', { class: 'error' }, error.message));
    }
  }
  return { element, refresh };
}

/** The history of a task; `refresh` brings it up to date and leaves what is opened as it is. */
export function taskHistory(id) {
  const entries = new Map(); // event id → its entry
  const list = h('ol', { class: 'timeline', data: { test: 'history' } });
  const rest = h('p', { class: 'soft' });
  const element = h(
    'section',
    { class: 'stack history', 'aria-label': 'History', hidden: true },
    h('h3', {}, 'History'),
    list,
    rest,
  );
  return {
    element,
    async refresh() {
      const { data, next } = await get('/api/events', { taskId: id, limit: MOST });
      for (const event of data) if (!entries.has(event.id)) entries.set(event.id, entryOf(event));
      const wanted = data.map((event) => entries.get(event.id));
      // Moving an element would take the focus from it: only what is new goes in.
      wanted.forEach(
        (entry, n) => list.children[n] === entry.element || list.insertBefore(entry.element, list.children[n] ?? null),
      );
      while (list.children.length > wanted.length) list.lastChild?.remove();
      put(
        rest,
        next && [
          'There is more than this. ',
          h('a', { href: `/deliveries?task=${encodeURIComponent(id)}` }, 'See all its deliveries'),
        ],
        data.length === 0 && 'What happened to it is no longer kept.',
      );
      rest.hidden = !rest.hasChildNodes();
      element.hidden = false;
      await Promise.all(wanted.map((entry) => entry.refresh()));
    },
  };
}
