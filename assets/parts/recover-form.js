// recover-form: what is asked for a recovery: the webhook, the span and the states, and how many deliveries these are.
// Must not know what becomes of it.

import { send } from './api.js';
import { debounce, focused, h, put } from './dom.js';
import { busy, clearErrors, errorLine, field, select, showError, tick } from './form.js';
import { fromLocalField, LAST_MOMENT, toLocalField } from './time.js';
import { nameOf } from './webhook-words.js';
import { count } from './words.js';

const DAY = 24 * 3_600_000;
const LONGEST = 300_000; // milliseconds that a count may take
const REST = 350; // milliseconds after the last change before it is counted
const SOON = 200; // milliseconds after which a count says that it runs
const SLOW = 1_500; // and after which a count says why it takes long

/** @type {{value: Api.RecoverState, label: string, hint: string, is: boolean}[]} */
const STATES = [
  { value: 'failed', label: 'Failed', hint: 'given up after the receiver refused them or did not answer', is: true },
  { value: 'held', label: 'Held', hint: 'refused, and kept with their tasks by onReject: hold', is: false },
  { value: 'unsent', label: 'Never sent', hint: 'it wants them, but was not there or not set up for them', is: true },
  { value: 'cancelled', label: 'Cancelled', hint: 'by a person, or with a webhook that was deleted', is: false },
  { value: 'delivered', label: 'Delivered', hint: 'they arrive a second time', is: false },
];

const WHAT_IT_DOES =
  'They go out again, or for the first time, in order and with the same webhook-id. Newer changes wait meanwhile.';

/**
 * The address of a webhook, or of what belongs to it.
 * @template {string} W
 * @param {string} id
 * @param {W} what
 * @returns {`/api/webhooks/${string}${W}`}
 */
export const pathOf = (id, what) => `/api/webhooks/${encodeURIComponent(id)}${what}`;

/**
 * What a page has in sight: a webhook, a state, a span; `others`: what narrows the list there and cannot narrow a recovery.
 * @typedef {{webhookId?: string, status?: string, since?: string, until?: string, others?: string[]}} Sight
 */

/** What is ticked for states that are in sight; nothing where these say nothing of a recovery. */
export const ticked = (status = '') => {
  const wanted = status.split(',');
  return STATES.map(({ value }) => value).filter((value) => wanted.includes(value));
};

/**
 * What is filled in at first: what is in sight, else a day, or as far back as the newest failure.
 * @param {Sight} sight
 * @param {Api.Delivery|null} failed
 */
export function startOf({ status, since, until, others = [] }, failed) {
  const day = new Date(Date.now() - DAY).toISOString();
  return {
    since: since || [day, failed?.createdAt ?? day].sort()[0],
    until,
    others,
    isTicked: ({ value, is }) => (ticked(status).length > 0 ? ticked(status).includes(value) : is),
  };
}

/**
 * What is asked for, and how many these are.
 * @param {Api.Webhook[]} webhooks
 * @param {Api.Webhook} first
 * @param {ReturnType<typeof startOf>} start
 * @param {{signal: AbortSignal,
 *   onBegun: (webhook: Api.Webhook, recovery: Api.RecoveryStarted, expected: number|null) => void}} told
 */
export function recoverForm(webhooks, first, start, { signal, onBegun }) {
  const webhook = select(webhooks.map((one) => ({ value: one.id, label: nameOf(one) })), first.id);
  const since = h('input', {
    type: 'datetime-local',
    max: LAST_MOMENT,
    value: toLocalField(start.since),
  });
  const until = h('input', { type: 'datetime-local', max: LAST_MOMENT, value: toLocalField(start.until) });
  const ticks = STATES.map((state) =>
    tick([state.label, h('span', { class: 'soft' }, `: ${state.hint}`)], start.isTicked(state), { value: state.value }),
  );
  const preview = h('p', { class: 'preview', 'aria-live': 'polite', data: { test: 'preview' } });
  const submit = h('button', { type: 'submit', class: 'first', form: 'recover-form', disabled: true }, 'Recover');
  const element = h(
    'form',
    { class: 'stack', id: 'recover-form', novalidate: true },
    h('p', { class: 'soft' }, WHAT_IT_DOES),
    start.others.length > 0 &&
      h('p', { class: 'note' }, `The list is narrowed by ${start.others.join(' and ')} as well; a recovery is not.`),
    field('Webhook', webhook),
    h(
      'div',
      { class: 'fields' },
      field('Changes from', since, { name: 'since' }),
      field('to', until, { name: 'until', hint: 'Empty: until now' }),
    ),
    h(
      'fieldset',
      { class: 'states', data: { field: 'states' } },
      h('legend', { class: 'strong' }, 'Which deliveries'),
      ticks,
    ),
    preview,
    errorLine(),
  );
  /** @type {AbortController|null} */
  let asking = null;
  /** @type {number|null} */
  let counted = null;
  const chosen = () => webhooks.find(({ id }) => id === webhook.value) ?? first;
  const input = () => ({
    since: fromLocalField(since.value),
    // The field shows a minute: the whole of it is meant.
    ...(until.value && { until: new Date(Date.parse(fromLocalField(until.value)) + 59_999).toISOString() }),
    states: ticks.flatMap((box) => [...box.querySelectorAll('input')]).filter(({ checked }) => checked).map(({ value }) => value),
  });

  /** Why it cannot be counted yet; empty if it can. */
  const lacks = ({ since: from, states }) =>
    (!from && 'Choose from when on.') || (states.length === 0 && 'Tick at least one of these.') || '';

  const countSoon = debounce(REST, () => countNow());

  function countNow() {
    asking?.abort();
    if (!element.isConnected) return;
    const wanted = input();
    const lack = lacks(wanted);
    if (lack) return say(lack);
    const mine = (asking = new AbortController());
    const tell = (text, ms) => setTimeout(() => put(preview, h('span', { class: 'soft' }, text)), ms);
    const hints = [
      tell('Counting…', SOON),
      tell('Counting. A long span takes a while, since every change in it is looked at…', SLOW),
    ];
    const isOver = () => hints.forEach(clearTimeout);
    // Another count has taken its place: that one tells now.
    mine.signal.addEventListener('abort', isOver);
    ask(mine, wanted).finally(isOver);
  }

  async function ask(mine, wanted) {
    try {
      const body = { ...wanted, dryRun: true };
      const { data } = await send('POST', pathOf(webhook.value, '/recover'), body, { signal: mine.signal, within: LONGEST });
      if (mine !== asking) return;
      counted = 'wouldSend' in data ? data.wouldSend : null;
      clearErrors(element);
      submit.disabled = counted === 0;
      put(submit, counted ? `Recover ${count(counted)}` : 'Recover');
      const would = counted === 1 ? '1 delivery would be sent.' : `${count(counted)} deliveries would be sent.`;
      const none = 'Nothing in this span is to be sent.';
      put(preview, h('span', { class: counted ? 'strong' : 'soft' }, counted ? would : none));
    } catch (error) {
      if (error.name === 'AbortError' || mine !== asking) return;
      say('');
      failed(error);
    }
  }

  function say(text) {
    counted = null;
    submit.disabled = true;
    put(submit, 'Recover');
    put(preview, h('span', { class: 'soft' }, text));
  }

  /** Shows an error where it belongs, without taking the focus from a field in which somebody types. */
  function failed(error) {
    const had = focused();
    showError(element, error);
    if (element.contains(had)) had.focus();
  }

  element.addEventListener('input', () => {
    clearErrors(element);
    asking?.abort();
    asking = null;
    submit.disabled = true;
    // It was about what was asked before.
    put(preview, h('span', { class: 'soft' }, preview.textContent));
    countSoon();
  });
  webhook.addEventListener('change', () => {
    const { recovery } = chosen();
    if (recovery) onBegun(chosen(), recovery, null);
  });
  element.addEventListener('submit', (event) => {
    event.preventDefault();
    if (counted === null) return;
    busy(submit, async () => {
      const expected = counted;
      try {
        const { data } = await send('POST', pathOf(webhook.value, '/recover'), input());
        if ('queued' in data) onBegun(chosen(), data, expected);
      } catch (error) {
        showError(element, error);
      }
    });
  });
  signal.addEventListener('abort', () => asking?.abort());

  return {
    element,
    submit,
    count: countNow,
    stop() {
      asking?.abort();
      asking = null;
    },
  };
}

/**
 * The states of a recovery in words.
 * @param {Api.RecoveryStarted} recovery
 */
export const statesOf = ({ states }) =>
  states.map((value) => (STATES.find((state) => state.value === value)?.label ?? value).toLowerCase()).join(', ');
