// webhook-fields: the fields of a webhook: drawn from its values, and read back. Must not send anything.

import { h, more } from './dom.js';
import { errorLine, field, select, tick } from './form.js';
import { LABEL, LINE, WEBHOOK_URL } from './limits.js';
import { tagsField } from './task-fields.js';
import { headersField } from './webhook-headers.js';
import { DEFAULTS, differing, numberOf } from './webhook-values.js';
import { CATEGORIES, EVENTS, ON_REJECT, PAYLOADS, PRIORITIES, PROFILES, STATUSES, TYPES } from './words.js';

/** The name that `showError` looks for: the parts of a filter are fields of their own here. */
export const placeOf = (name) => name?.replace(/^filter\./, 'filter-') ?? null;

/** Types and categories have no small letters. */
const upper = (labels) => [...new Set(labels.map((label) => label.toUpperCase()))];
const text = (value, props) => h('input', { type: 'text', value: value ?? '', autocomplete: 'off', ...props });
const plainWord = { spellcheck: 'false', autocapitalize: 'off' };

/** Boxes to tick under one name. */
function ticks(label, name, options, chosen, hint) {
  const boxes = options.map((option) => tick(option.label, chosen.includes(option.value), { value: option.value }));
  const element = h(
    'fieldset',
    { class: 'field ticks', data: { field: name } },
    h('legend', { class: 'legend' }, label),
    h('div', { class: 'row' }, boxes),
    h('p', { class: 'hint' }, hint ?? ''),
  );
  const inputs = boxes.map((box) => box.querySelector('input'));
  return { element, read: () => inputs.filter(({ checked }) => checked).map(({ value }) => value) };
}

/** Words as chips. */
function words(label, name, values, known, noun, hint) {
  const chips = tagsField(values, known, () => {}, noun);
  return { element: field(label, chips.input, { name, hint, box: chips.element }), read: chips.value };
}

/** @typedef {import('./webhook-values.js').Values} Values */

/**
 * The form.
 * @param {Values} values
 * @param {string|null} known the masked address of one that is there; null for a new one
 * @returns {{element: HTMLFormElement, focus: () => void, read: () => Values, url: () => string, secret: () => string,
 *   check: () => {field: string, message: string}|null}}
 */
export function webhookFields(values, known) {
  const url = text('', {
    inputmode: 'url',
    placeholder: known ?? 'https://hook.eu1.make.com/…',
    maxlength: WEBHOOK_URL,
    ...plainWord,
  });
  const description = text(values.description, { maxlength: LINE, placeholder: 'New tasks to the sales scenario' });
  const events = ticks('Events', 'events', EVENTS, values.events);
  const { filter } = values;
  const type = words('Types', 'filter-type', filter.type, TYPES, 'type');
  const category = words('Categories', 'filter-category', filter.category, CATEGORIES, 'category');
  const tag = words('Tags', 'filter-tag', filter.tag, [], 'tag');
  const status = ticks('Statuses', 'filter-status', STATUSES, filter.status);
  const priority = ticks('Priorities', 'filter-priority', PRIORITIES, filter.priority);
  const ignoreOrigin = words(
    'Not from these origins',
    'ignoreOrigin',
    values.ignoreOrigin,
    ['incoming', 'make', 'api'],
    'origin',
    'Ends a loop: incoming is what comes in through /api/incoming-webhook; others are named by X-BTK-Origin.',
  );
  const headers = headersField(values.headers, () => {});
  const payload = select(PAYLOADS, values.payload);
  const profile = select(PROFILES, values.profile);
  const onReject = select(ON_REJECT, values.onReject);
  const number = (value, placeholder) => text(value, { inputmode: 'numeric', placeholder });
  const rate = number(values.ratePerSecond, 'As the profile says');
  const timeout = number(values.timeoutSeconds, '10');
  const attempts = number(values.maxAttempts, '3');
  const source = text(values.source, { maxlength: LABEL, placeholder: 'make', ...plainWord });
  const secret = text('', { placeholder: 'One is made', ...plainWord });

  const set = differing(DEFAULTS, values);
  // A part is folded up until something in it is set.
  const ifSet = (...names) => ({ open: names.some((name) => name in set) });
  const element = h(
    'form',
    { class: 'stack webhook-form', id: 'webhook-form', novalidate: true },
    field('Address (URL)', url, {
      name: 'url',
      hint: known
        ? 'Empty: it stays. Another address is another receiver: it begins as one that is up, and what waits goes ' +
          'there.'
        : 'Where to send, http or https. It is kept as a password: the page shows only its host afterwards.',
    }),
    field('Description', description, { name: 'description', hint: 'A line for people.' }),
    events.element,
    more(
      'Which tasks',
      ifSet('filter', 'ignoreOrigin'),
      h('p', { class: 'soft' }, 'All, unless you name some: one of each list that is not empty must fit the task.'),
      h('div', { class: 'fields', data: { field: 'filter' } }, type.element, category.element, tag.element),
      status.element,
      priority.element,
      ignoreOrigin.element,
    ),
    more(
      'What is sent',
      ifSet('payload', 'headers'),
      field('Payload', payload, { name: 'payload' }),
      h(
        'div',
        { class: 'field', role: 'group', 'aria-label': 'Headers', data: { field: 'headers' } },
        h('p', { class: 'legend' }, 'Headers'),
        headers.element,
        h('p', { class: 'hint' }, 'Sent with every request. Values are kept as passwords and not shown again.'),
      ),
      !known &&
        field('Secret', secret, {
          name: 'secret',
          hint: 'whsec_…, to sign with. Leave it empty, unless the receiver has one already.',
        }),
    ),
    more(
      'How it is sent',
      ifSet('profile', 'ratePerSecond', 'timeoutSeconds', 'maxAttempts', 'onReject', 'source'),
      h(
        'div',
        { class: 'fields' },
        h('div', { class: 'whole' }, field('Profile', profile, { name: 'profile' })),
        h('div', { class: 'whole' }, field('When a change is refused', onReject, { name: 'onReject' })),
        field('Requests a second, at most', rate, { name: 'ratePerSecond', hint: '1 to 1000' }),
        field('Timeout in seconds', timeout, { name: 'timeoutSeconds', hint: '1 to 30' }),
        field('Attempts', attempts, { name: 'maxAttempts', hint: '1 to 20' }),
        field('Source', source, { name: 'source', hint: 'A label: who made it' }),
      ),
    ),
    errorLine(),
  );

  return {
    element,
    focus: () => url.focus(),
    url: () => url.value.trim(),
    secret: () => secret.value.trim(),
    read: () => ({
      description: description.value.trim() || null,
      events: events.read(),
      filter: {
        type: upper(type.read()),
        category: upper(category.read()),
        status: status.read(),
        priority: priority.read(),
        tag: tag.read(),
      },
      ignoreOrigin: ignoreOrigin.read(),
      payload: payload.value,
      headers: headers.read(),
      profile: profile.value,
      // Empty is the default, which is a number for these two.
      ratePerSecond: numberOf(rate.value),
      timeoutSeconds: numberOf(timeout.value) ?? DEFAULTS.timeoutSeconds,
      maxAttempts: numberOf(attempts.value) ?? DEFAULTS.maxAttempts,
      onReject: onReject.value,
      source: source.value.trim() || null,
    }),
    /** What the server could not see: it would take it for something else. */
    check() {
      const name = headers.twice();
      if (name) return { field: 'headers', message: `${name} stands here twice: write it once.` };
      if (events.read().length === 0) return { field: 'events', message: 'Tick at least one kind of event.' };
      return null;
    },
  };
}
