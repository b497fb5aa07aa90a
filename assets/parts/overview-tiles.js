// overview-tiles: the few numbers at the head of the overview. Must not fetch anything.

import { h, put } from './dom.js';
import { icon } from './icons.js';
import { span, when } from './time.js';
import { count, many } from './words.js';

export const SPANS = [
  { value: 'hour', label: 'Hour', words: 'in the last hour' },
  { value: 'day', label: 'Day', words: 'in the last 24 hours' },
  { value: 'week', label: 'Week', words: 'in the last 7 days' },
];

const sum = (points, name) => points.reduce((total, point) => total + point[name], 0);

/** A share in words; all is said only of all. */
export function percent(part, whole) {
  if (!whole) return '–';
  const share = (part / whole) * 100;
  return part === whole ? '100 %' : `${(Math.floor(share * 10) / 10).toFixed(1)} %`;
}

/**
 * The webhooks that do not take what is sent to them.
 * @param {Api.Webhook[]} webhooks
 */
export const notUp = (webhooks) => webhooks.filter(({ status }) => status !== 'up');

/**
 * The oldest change that has not arrived, over all webhooks; null if none waits.
 * @param {Api.WebhookFigures[]} figures
 */
export function oldestWaiting(figures) {
  const waiting = figures.flatMap((one) => (one.oldestWaitingAt ? { ...one, oldestWaitingAt: one.oldestWaitingAt } : []));
  return waiting.sort((a, b) => a.oldestWaitingAt.localeCompare(b.oldestWaitingAt))[0] ?? null;
}

/**
 * Brings the tiles up to date. One that looks the same stays, so that a press on it is not lost.
 * @param {HTMLElement} place
 * @param {{total: Api.FiguresTotal, webhooks: Api.Webhook[], figures: Api.WebhookFigures[], span: string}} found `total`:
 *   of the span
 */
export function drawTiles(place, { total, webhooks, figures, span: name }) {
  const { words } = SPANS.find(({ value }) => value === name) ?? SPANS[0];
  const tiles = [
    delivered(total, words),
    success(total, words),
    lag(total, words),
    waiting(webhooks, figures),
    health(webhooks),
  ];
  if (place.children.length === 0) return put(place, tiles);
  tiles.forEach((next, index) => {
    const old = place.children[index];
    if (!old.isEqualNode(next)) old.replaceWith(next);
  });
}

/**
 * A tile: its name, its number, what to know; a link where there is more.
 * @param {string} label
 * @param {any} number
 * @param {any} note
 * @param {{href?: string, tone?: string, test: string}} more
 */
function tile(label, number, note, { href, tone, test }) {
  const content = [
    h('span', { class: 'tile-name' }, label),
    h('span', { class: ['tile-number', tone] }, number),
    h('span', { class: 'soft' }, note),
  ];
  return h(href ? 'a' : 'div', { class: 'card tile', href, data: { test, key: `tile-${test}` } }, content);
}

/**
 * @param {Api.FiguresTotal} total
 * @param {string} words
 */
function delivered(total, words) {
  return tile('Delivered', count(total.delivered), words, { test: 'tile-delivered' });
}

/**
 * @param {Api.FiguresTotal} total
 * @param {string} words
 */
function success({ attempts, failed, delivered }, words) {
  const note =
    attempts === 0
      ? `no attempt ${words}`
      : failed === 0
        ? `of ${many(attempts, 'attempt')}`
        : `${many(failed, 'attempt')} failed`;
  return tile('Success', percent(delivered, attempts), note, { test: 'tile-success' });
}

/**
 * @param {Api.FiguresTotal} total
 * @param {string} words
 */
function lag({ lagP50Ms, lagP99Ms }, words) {
  const isKnown = lagP50Ms !== null;
  const number = isKnown ? [span(lagP50Ms), h('span', { class: 'soft' }, ' / '), span(lagP99Ms)] : '–';
  return tile('Lag', number, `p50 / p99 ${words}`, { test: 'tile-lag' });
}

/**
 * @param {Api.Webhook[]} webhooks
 * @param {Api.WebhookFigures[]} figures
 */
function waiting(webhooks, figures) {
  const all = sum(webhooks, 'waiting');
  const oldest = oldestWaiting(figures);
  const note =
    all === 0 ? 'nothing waits' : oldest ? ['the oldest ', when(oldest.oldestWaitingAt)] : 'deliveries';
  return tile('Waiting', count(all), note, { test: 'tile-waiting' });
}

/** @param {Api.Webhook[]} webhooks */
function health(webhooks) {
  const [all, bad] = [webhooks.length, notUp(webhooks).length];
  /**
   * @param {any} number
   * @param {string} note
   * @param {string} [tone]
   */
  const say = (number, note, tone) =>
    tile('Webhooks', number, note, { href: all > 0 ? '/webhooks' : '/setup', tone, test: 'tile-webhooks' });
  if (all === 0) return say('0', 'none is set up');
  if (bad === 0) return say([icon('check'), 'All up'], many(all, 'webhook'), 'good');
  return say([icon('alert'), `${count(bad)} not up`], `of ${many(all, 'webhook')}`, 'bad');
}
