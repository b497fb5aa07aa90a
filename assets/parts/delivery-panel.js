// delivery-panel: one delivery at the side of the page: where it stands and what happens next, its attempts, its
// request and its event. Must not know the list beside it.

import { get } from './api.js';
import { copyButton } from './copy.js';
import { cancel, mayCancel, mayRedeliver, redeliver } from './delivery-actions.js';
import { attemptsList } from './delivery-attempts.js';
import { eventView, subjectOf } from './delivery-event.js';
import { asCurl, requestView } from './delivery-request.js';
import { hasOwnNext } from './delivery-rows.js';
import { open } from './dialog.js';
import { fact, h, keepFocus, put, saying } from './dom.js';
import { button } from './form.js';
import { icon } from './icons.js';
import { full, inLocalTime, next, span } from './time.js';
import { apart, DELIVERY_STATUSES, eventLabel, mark } from './words.js';

/**
 * Opens it.
 * @param {string} id
 * @param {{nameOf: (webhookId: string) => string, onOther: (id: string) => void, onChange: (row: Api.Delivery) => void,
 *   onStep: (by: number) => void, onClose: () => void}} options `onOther`: another delivery is asked for; `onStep`: the
 *   one above or below in the list; `onChange`: this one is different now
 */
export function deliveryPanel(id, { nameOf, onOther, onChange, onStep, onClose }) {
  /** @type {`/api/deliveries/${string}`} */
  const path = `/api/deliveries/${encodeURIComponent(id)}`;
  const stopped = new AbortController();
  const { signal } = stopped;
  const stands = h('section', { class: 'stack stands', 'aria-live': 'polite', 'aria-label': 'Where it stands' });
  const attempts = section('Attempts');
  const request = section('Request as it is sent');
  const event = section('Event');
  const box = open({
    title: 'Delivery',
    side: true,
    wide: true,
    body: [stands, attempts.element, request.element, event.element],
    onClose() {
      stopped.abort();
      onClose();
    },
  });
  const { heading } = box;
  /** @type {Api.DeliveryDetails|null} */
  let delivery = null;
  let stamp = '';
  let turn = 0;
  let asked = null; // the attempts with which the request was read
  let isEventKnown = false;
  let isWhole = false; // all attempts are shown
  const onWhole = () => {
    isWhole = true;
    show();
  };

  box.element.classList.add('delivery-panel');
  box.element.addEventListener('keydown', onKey);

  function onKey(press) {
    if (press.ctrlKey || press.metaKey || press.altKey || press.target.closest('input, textarea, select')) return;
    if (press.key === 'j') onStep(1);
    else if (press.key === 'k') onStep(-1);
    else if (press.key === 'r' && delivery) redeliver(id, took);
    else if (press.key === 'c' && delivery && mayCancel(delivery)) cancel(id, took);
  }

  /**
   * The answer to an action: shown at once, the attempts follow.
   * @param {Api.Delivery} row
   */
  function took(row) {
    onChange(row);
    if (delivery) delivery = { ...delivery, ...row };
    stamp = '';
    show();
    load().catch(() => {});
  }

  async function load() {
    turn += 1;
    const mine = turn;
    const { data } = await get(path, {}, { signal });
    // A newer reading is under way, or has come already.
    if (mine !== turn) return;
    const now = JSON.stringify(data);
    delivery = data;
    if (now !== stamp) show();
    stamp = now;
    await Promise.all([loadRequest(data), loadEvent(data)]);
  }

  function show() {
    const row = delivery;
    if (!row) return;
    keepFocus(() => {
      put(stands, standing(row));
      put(attempts.place, attemptsList(row.attempts, { isWhole, onWhole }));
      attempts.title(`Attempts (${row.attempts.length})`);
    });
  }

  /**
   * Its headers tell the number of the attempt, so it is read again after each.
   * @param {Api.Delivery} row
   */
  async function loadRequest({ attemptCount, status }) {
    const now = `${attemptCount} ${status}`;
    if (asked === now) return;
    try {
      const { data } = await request.wait(get(`${path}/request`, {}, { signal }));
      if (asked !== null && document.activeElement?.closest('.request')) return;
      asked = now;
      put(request.place, requestView(data));
      request.actions(copyButton(() => asCurl(data), 'Copy as curl', { class: 'small', data: { test: 'curl' } }));
    } catch (error) {
      request.fail(error);
    }
  }

  /** @param {Api.Delivery} row */
  async function loadEvent({ eventId }) {
    if (isEventKnown) return;
    try {
      const { data } = await event.wait(get(`/api/events/${encodeURIComponent(eventId)}`, {}, { signal }));
      isEventKnown = true;
      heading.textContent = `${eventLabel(data.event)}: ${apart(subjectOf(data))}`;
      put(event.place, eventView(data));
    } catch (error) {
      event.fail(error);
    }
  }

  /** @param {Api.Delivery} row */
  function standing(row) {
    const waits = row.blockedBy && h('p', {}, 'It waits for an earlier change of its task: ', otherLink(row.blockedBy));
    return [
      h(
        'div',
        { class: 'row' },
        mark(DELIVERY_STATUSES, row.status),
        h('span', { class: 'soft' }, 'to ', webhookLink(row.webhookId)),
      ),
      h('p', { class: 'standing' }, inLocalTime(row.reasonText) ?? arrived(row)),
      waits,
      row.nextAttemptAt && h('p', { class: 'strong' }, whatIsNext(row)),
      h('div', { class: 'row' }, actions(row)),
      h(
        'dl',
        { class: 'facts' },
        fact('Changed', full(row.createdAt)),
        row.finishedAt && fact('Ended', `${full(row.finishedAt)}, ${after(row)}`),
        fact('Task', taskOf(row)),
        fact('Delivery', h('code', {}, row.id)),
      ),
    ];
  }

  /** @param {Api.Delivery} row */
  function actions(row) {
    // What has arrived is seldom sent again.
    const tone = row.status === 'delivered' ? null : 'first';
    const again = { class: tone, data: { key: 'panel-redeliver' } };
    const end = { class: 'danger', data: { key: 'panel-cancel' } };
    return [
      mayRedeliver(row) && button([icon('again'), 'Redeliver'], again, () => redeliver(id, took)),
      mayCancel(row) && button('Cancel', end, () => cancel(id, took)),
    ];
  }

  const webhookLink = (webhookId) =>
    h('a', { href: `/webhooks?q=${encodeURIComponent(webhookId)}`, dir: 'auto', data: { key: 'to-webhook' } }, nameOf(webhookId));

  function otherLink(other) {
    const onClick = (press) => {
      if (press.ctrlKey || press.metaKey || press.shiftKey) return;
      press.preventDefault();
      onOther(other);
    };
    const href = `?open=${encodeURIComponent(other)}`;
    return h('a', { href, class: 'mono', data: { key: 'blocked-by' }, on: { click: onClick } }, other);
  }

  return {
    id,
    close: () => box.close(),
    /** Reads again what it shows. */
    async refresh() {
      try {
        await (delivery ? load() : saying(stands, 'Reading the delivery…', load()));
      } catch (error) {
        // What is on the page stays; without anything the reader must know why.
        const isNews = !delivery && error.name !== 'AbortError';
        if (isNews) put(stands, h('p', { class: 'note bad', role: 'alert' }, gone(error)));
        if (error.status === 0) throw error;
      }
    },
  };
}

const gone = (error) =>
  error.status === 404
    ? 'There is no such delivery. Those that have ended are removed after a while; see RETENTION_DELIVERED.'
    : error.message;

const moment = (iso) => [next(iso), ` (${full(iso)})`];
/** @param {Api.Delivery} row */
const whatIsNext = (row) =>
  hasOwnNext(row)
    ? ['The next request goes out ', moment(row.nextAttemptAt), '.']
    : [
        'The webhook is looked at again ',
        moment(row.nextAttemptAt),
        '; this one goes out in its turn when it is back.',
      ];
/** @param {Api.Delivery} row */
const arrived = ({ attemptCount }) =>
  attemptCount > 1 ? `It arrived with attempt ${attemptCount}.` : 'It arrived with the first attempt.';
const after = ({ createdAt, finishedAt }) => `${span(Date.parse(finishedAt) - Date.parse(createdAt))} after the change`;

/** @param {Api.Delivery} row */
function taskOf({ taskId, version }) {
  if (taskId.startsWith('webhook:')) return `none: an alert about ${taskId.slice(8)}`;
  return [h('a', { class: 'mono', href: `/?open=${encodeURIComponent(taskId)}` }, taskId), `, version ${version}`];
}

/** A part of the panel with its title; it says when it waits or fails. */
function section(title) {
  const name = h('h3', {}, title);
  const buttons = h('div', { class: 'row' });
  const place = h('div', { class: 'stack' });
  return {
    element: h(
      'section',
      { class: 'stack part', 'aria-label': title },
      h('div', { class: 'row part-head' }, name, buttons),
      place,
    ),
    place,
    title: (text) => (name.textContent = text),
    actions: (...content) => put(buttons, content),
    wait: (answer) => (place.hasChildNodes() ? answer : saying(place, 'Reading…', answer)),
    fail(error) {
      if (error.name === 'AbortError') return;
      if (!place.querySelector('.stack')) put(place, h('p', { class: 'soft' }, error.message));
    },
  };
}
