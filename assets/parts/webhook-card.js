// webhook-card: one webhook in the list: how it is doing, what waits, how fast it goes, and what can be done with it.
// Its buttons stay the same elements for as long as it is there, so a refresh takes no focus. Must not ask the server.

import { sparkline } from './chart.js';
import { focused, h, keepFocus, put } from './dom.js';
import { button } from './form.js';
import { icon } from './icons.js';
import { inLocalTime, span, when } from './time.js';
import { menu } from './webhook-menu.js';
import { deliveriesOf, namedIn, nameOf, nextLook, settingOf, waitingState, whatItGets } from './webhook-words.js';
import { WEBHOOK_STATUSES, count, many, mark } from './words.js';

// Of those that are not made by a setting.
const OWN_ACTIONS = [
  { label: 'Rotate secret…', icon: 'key', name: 'rotate' },
  { label: 'Delete…', icon: 'trash', tone: 'bad', name: 'remove' },
];
const LOOK = 'A single request looks at once whether it is back';

/**
 * A card.
 * @param {Api.Webhook} webhook
 * @param {Record<string, (webhook: Api.Webhook) => any>} act what its buttons do, given the webhook as it then is
 */
export function webhookCard(webhook, act) {
  const { id, readOnly } = webhook;
  let shown = webhook;
  const run = (name) => async () => {
    const had = focused();
    await act[name](shown);
    // A button loses the focus while it is out of use, and one of them may be gone now.
    setTimeout(() => {
      if (document.activeElement === document.body) (had?.isConnected ? had : element).focus();
    });
  };
  const title = h('h2', { id: `name-${id}`, dir: 'auto' });
  const state = h('span', { class: 'webhook-state' });
  const address = h('p', { class: 'soft mono clip' });
  const trouble = h('div', { class: 'webhook-trouble' });
  const held = h('div', { class: 'webhook-trouble' });
  const numbers = h('dl', { class: 'webhook-numbers' });
  const day = h('div', { class: 'webhook-day' });
  const gets = h('p', { class: 'soft webhook-gets' });
  const pause = button('Pause', { data: { key: `pause-${id}` } }, run('togglePause'));
  const resume = button('Resume', { class: 'small', data: { key: `resume-${id}` }, title: LOOK }, run('lookNow'));
  const release = button('Send all held again', { class: 'small', data: { key: `release-${id}` } }, run('release'));
  const buttons = [
    button('Send a test event', { data: { key: `test-${id}` } }, run('test')),
    pause,
    !readOnly && button('Edit', { data: { key: `edit-${id}` } }, run('edit')),
    menu(`More for ${namedIn(webhook)}`, [
      { label: 'Recover…', icon: 'again', run: run('recover') },
      { label: 'See its deliveries', icon: 'send', run: () => location.assign(deliveriesOf(id)) },
      ...(readOnly ? [] : OWN_ACTIONS.map(({ name, ...entry }) => ({ ...entry, run: run(name) }))),
    ]),
  ];
  const element = h(
    'li',
    {
      class: 'card webhook',
      tabindex: '-1',
      'aria-labelledby': `name-${id}`,
      data: { test: 'webhook', webhook: id, key: `webhook-${id}` },
    },
    h(
      'div',
      { class: 'webhook-head' },
      h('div', { class: 'grow' }, h('div', { class: 'row webhook-name' }, title, state), address),
      h('div', { class: 'row webhook-actions' }, buttons),
    ),
    trouble,
    held,
    h('div', { class: 'webhook-figures' }, h('div', { class: 'grow stack' }, numbers, gets), day),
  );

  // Each part is drawn when what it shows has changed.
  const stamps = new Map();
  function part(place, value, draw) {
    const stamp = JSON.stringify(value);
    if (stamps.get(place) === stamp) return;
    stamps.set(place, stamp);
    keepFocus(() => put(place, draw()));
  }

  /**
   * @param {Api.Webhook} next
   * @param {Api.WebhookFigures} [figures]
   */
  function update(next, figures) {
    shown = next;
    const { status, reasonText, nextProbeAt, waitUntil, waiting } = next;
    part(title, nameOf(next), () => nameOf(next));
    part(state, status, () => mark(WEBHOOK_STATUSES, status));
    part(address, next.url, () => (next.description ? [next.url, h('span', {}, ` · ${id}`)] : next.url));
    part(trouble, [reasonText, nextProbeAt, waitUntil, status], () => whatIsWrong(next, resume));
    part(held, next.held, () => next.held > 0 && whatIsHeld(next, release));
    part(pause, status === 'paused', () => (status === 'paused' ? 'Resume' : 'Pause'));
    const { hours, ...now } = figures ?? {};
    part(numbers, [status, waiting, now], () => figuresOf(next, figures));
    part(day, hours ?? [], () => dayOf(hours));
    part(gets, next, () => whatItSays(next));
  }

  return { element, update };
}

/**
 * @param {Api.Webhook} webhook
 * @param {HTMLElement} resume
 */
function whatIsWrong({ status, reasonText, nextProbeAt, waitUntil }, resume) {
  const isQuiet = waitUntil && Date.parse(waitUntil) > Date.now();
  if (!reasonText && !isQuiet) return null;
  return h(
    'div',
    { class: ['note', status === 'paused' || !reasonText ? 'warn' : 'bad'] },
    h(
      'p',
      { class: 'grow' },
      inLocalTime(reasonText),
      nextLook({ nextProbeAt }),
      isQuiet && [' The receiver asked for quiet; what waits goes out ', when(waitUntil), '.'],
    ),
    // One that refuses everything is sent to all the same: there is nothing to resume.
    !['paused', 'refusing'].includes(status) && reasonText && resume,
  );
}

/**
 * What waits for a person, or goes on by itself behind the others.
 * @param {Api.Webhook} webhook
 * @param {HTMLElement} release
 */
function whatIsHeld({ id, held }, release) {
  const [them, their] = held === 1 ? ['it', 'its task'] : ['them', 'their tasks'];
  return h(
    'div',
    { class: 'note warn' },
    h(
      'p',
      { class: 'grow' },
      h('a', { href: deliveriesOf(id, 'held') }, many(held, 'delivery', 'deliveries')),
      ` ${held === 1 ? 'is' : 'are'} held, with later changes of ${their}: the receiver does not take ${them}. Mend it, then send ${them} again.`,
    ),
    release,
  );
}

const fact = (name, ...value) => h('div', {}, h('dt', {}, name), h('dd', {}, value));

/**
 * @param {Api.Webhook} webhook
 * @param {Api.WebhookFigures} [figures]
 */
function figuresOf(webhook, figures) {
  const { id, waiting } = webhook;
  const queue = waiting > 0 ? h('a', { href: deliveriesOf(id, waitingState(webhook)) }, count(waiting)) : 'Nothing';
  if (!figures) return [fact('Waiting', queue)];
  const { oldestWaitingAt, lagP50Ms, lagP99Ms, perMinute, lastAnswer } = figures;
  const isSlow = lagP50Ms !== null;
  return [
    fact('Waiting', queue, oldestWaitingAt && h('span', { class: 'soft' }, ' oldest ', when(oldestWaitingAt))),
    fact(
      'Lag, last hour',
      isSlow ? [span(lagP50Ms), h('span', { class: 'soft' }, ` p50 · ${span(lagP99Ms)} p99`)] : '–',
    ),
    fact(
      'Rate',
      `${perMinute >= 10 ? count(Math.round(perMinute)) : perMinute} `,
      h('span', { class: 'soft' }, 'a minute'),
    ),
    fact('Last answer', lastAnswer ? answer(lastAnswer, webhook) : h('span', { class: 'soft' }, 'Nothing sent yet')),
  ];
}

/**
 * @param {Api.LastAnswer} last
 * @param {Api.Webhook} webhook
 */
function answer({ at, status, error }, { reasonText }) {
  // What the line above says already is not said again.
  const isSaid = error && reasonText?.includes(error);
  return [
    h(
      'span',
      { class: ['mark', error ? 'bad' : 'good'], title: error },
      icon(error ? 'alert' : 'check'),
      status ?? 'No answer',
    ),
    h('span', { class: 'soft' }, ' ', when(at)),
    error && !isSaid && h('p', { class: 'soft clip', title: inLocalTime(error) }, inLocalTime(error)),
  ];
}

/** @param {Api.HourFigures[]} [hours] */
function dayOf(hours) {
  if (!hours) return null;
  const sum = (name) => hours.reduce((all, point) => all + point[name], 0);
  const [delivered, failed] = [sum('delivered'), sum('failed')];
  const label = `The last 24 hours: ${count(delivered)} delivered, ${many(failed, 'attempt')} failed`;
  return [
    sparkline({ points: hours, label }),
    h('p', { class: 'soft' }, `24 h: ${count(delivered)} delivered`, failed > 0 && `, ${many(failed, 'attempt')} failed`),
  ];
}

/**
 * What it gets; where it comes from, if that is not this page.
 * @param {Api.Webhook} webhook
 */
function whatItSays(webhook) {
  const setting = settingOf(webhook);
  return [
    whatItGets(webhook),
    '.',
    setting && [' It comes from ', h('code', {}, setting), ' and is changed in the settings.'],
  ];
}
