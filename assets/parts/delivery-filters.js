// delivery-filters: which deliveries are asked for: the fields, and what they say in the address of the page and of
// the API. Must not fetch deliveries.

import { debounce, h, put } from './dom.js';
import { folding, select, suggest } from './form.js';
import { icon } from './icons.js';
import { fromLocalField, LAST_MOMENT, toLocalField } from './time.js';
import { nameOf } from './webhook-words.js';
import { ALERTS, DELIVERY_STATUSES, EVENTS, valuesOf } from './words.js';

/** Every filter with its value where none is set. */
export const FILTERS = { q: '', status: '', webhook: '', event: '', task: '', since: '', until: '' };

const TYPING = 300; // milliseconds of rest before what is typed is looked for

const MOMENT = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?) ?(?:Z|([+ -])(\d\d)(?::?(\d\d))?))?$/i;

/**
 * A moment, in whichever way the API takes it, as it is written everywhere; empty for what is none. A plus that was not
 * encoded arrives as a blank.
 * @param {string} text
 */
function plain(text) {
  const [, day, hour, sign, hours, minutes = '00'] = MOMENT.exec(text) ?? [];
  const zone = hours ? `${sign === '-' ? '-' : '+'}${hours}:${minutes}` : 'Z';
  const moment = hour ? `${day}T${hour}${zone}` : (day ?? '');
  return Number.isNaN(Date.parse(moment)) ? '' : moment;
}
const isMoment = (text) => plain(text) !== '';

/** What the address may say of those that do not take any text, */
export const CLOSED = { status: valuesOf(DELIVERY_STATUSES), since: isMoment, until: isMoment };
/** and in which other ways it may say it. */
export const WAYS = { several: ['status', 'event'], also: { webhookId: 'webhook', taskId: 'task' } };

/**
 * The query of the API.
 * @param {typeof FILTERS} values
 */
export const filterOf = ({ q, status, webhook, event, task, since, until }) => ({
  q,
  status,
  webhookId: webhook,
  event,
  taskId: task,
  since: plain(since),
  until: plain(until),
});

/** Sees to it that several values at once, with commas between them, can be shown by a choice: "Failed or Held". */
function offerSeveral(choice, value, labels) {
  choice.querySelector('[data-several]')?.remove();
  if (!value.includes(',') || [...choice.options].some((option) => option.value === value)) return;
  const words = value.split(',').map((one) => labels.find((known) => known.value === one)?.label ?? one);
  choice.append(h('option', { value, data: { several: '' } }, words.join(' or ')));
}

/**
 * The fields.
 * @param {(changes: Record<string, string>, typing?: string) => void} onSet `typing`: the field in which they are typed
 * @param {() => void} onClear
 * @param {() => void} onDown from the search down into what was found
 */
export function filters(onSet, onClear, onDown) {
  const soon = debounce(TYPING, onSet);
  const choice = (name) => (event) => onSet({ [name]: event.target.value });
  const q = h('input', {
    type: 'search',
    placeholder: 'Search',
    'aria-label': 'Search',
    title: 'In tasks, reasons and answers',
    maxlength: 200,
    on: {
      input: () => soon({ q: q.value.trim() }, 'q'),
      keydown(press) {
        if (press.key !== 'ArrowDown' || press.isComposing) return;
        press.preventDefault();
        onDown();
      },
    },
  });
  const status = select([{ value: '', label: 'Any state' }, ...DELIVERY_STATUSES], '', {
    'aria-label': 'State',
    on: { change: choice('status') },
  });
  const webhook = select([{ value: '', label: 'Any webhook' }], '', {
    'aria-label': 'Webhook',
    on: { change: choice('webhook') },
  });
  const [eventBox, event] = suggest(valuesOf([...EVENTS, ...ALERTS]), '', {
    placeholder: 'Any event',
    'aria-label': 'Event: a kind, or the id of one (evt_…)',
    title: 'A kind of event, or the id of one (evt_…)',
    on: { change: (change) => onSet({ event: change.target.value.trim() }) },
  });
  const task = h('input', {
    type: 'text',
    class: 'task-id',
    placeholder: 'Any task (its id)',
    'aria-label': 'Task: its id',
    autocomplete: 'off',
    spellcheck: 'false',
    on: { change: (change) => onSet({ task: change.target.value.trim() }) },
  });
  const moment = (name) =>
    h('input', {
      type: 'datetime-local',
      max: LAST_MOMENT,
      on: { change: (change) => onSet({ [name]: fromLocalField(change.target.value) }) },
    });
  const [since, until] = [moment('since'), moment('until')];
  const clear = h(
    'button',
    { type: 'button', class: 'plain clear', 'aria-label': 'Clear the filters', on: { click: onClear } },
    icon('close'),
    h('span', {}, 'Clear'),
  );
  const fold = folding();
  const fields = { q, status, webhook, event, task, since, until };
  const rest = h(
    'div',
    { class: 'filters filters-rest' },
    status,
    webhook,
    eventBox,
    task,
    h('label', { class: 'moment' }, h('span', { class: 'soft' }, 'From'), since),
    h('label', { class: 'moment' }, h('span', { class: 'soft' }, 'to'), until),
  );
  const element = h(
    'div',
    { class: 'filters delivery-filters', role: 'search', 'aria-label': 'Filters' },
    h('div', { class: 'search' }, icon('search'), q),
    fold.toggle,
    rest,
    clear,
  );
  let webhooks = null;
  let values = FILTERS;

  function drawWebhooks() {
    const options = (webhooks ?? []).map((one) => ({ value: one.id, label: nameOf(one) }));
    if (values.webhook && !options.some(({ value }) => value === values.webhook)) {
      options.push({ value: values.webhook, label: webhooks ? `${values.webhook} (deleted)` : values.webhook });
    }
    const stamp = JSON.stringify(options);
    if (webhook.dataset.stamp !== stamp) {
      put(
        webhook,
        h('option', { value: '' }, 'Any webhook'),
        options.map(({ value, label }) => h('option', { value }, label)),
      );
      webhook.dataset.stamp = stamp;
    }
    webhook.value = values.webhook;
  }

  return {
    element,
    /** Shows what the address says; the search stays as it is while somebody types there, but for a step back. */
    show(next, isBack = false) {
      values = next;
      const isHere = document.activeElement === q && !isBack;
      if (!isHere) q.value = next.q;
      offerSeveral(status, next.status, DELIVERY_STATUSES);
      status.value = next.status;
      event.value = next.event;
      task.value = next.task;
      for (const [name, input] of Object.entries({ since, until })) {
        const text = toLocalField(plain(next[name]));
        // A moment with seconds stays whole in the address while its field shows the minute.
        if (input.value !== text) input.value = text;
      }
      drawWebhooks();
      const set = Object.keys(fields).filter((name) => next[name]);
      for (const [name, input] of Object.entries(fields)) input.classList.toggle('is-set', Boolean(next[name]));
      clear.classList.toggle('is-idle', set.length === 0);
      fold.count(set.filter((name) => name !== 'q').length);
    },
    setWebhooks(list) {
      webhooks = list;
      drawWebhooks();
    },
    focusSearch: () => (q.focus(), q.select()),
    focusFilters() {
      fold.unfold(true);
      status.focus();
    },
    /** Empties the search field too, where it has the focus. */
    empty() {
      q.value = '';
    },
  };
}
