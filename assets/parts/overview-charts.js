// overview-charts: the four charts of the overview and their numbers as a table. Must not fetch anything.

import { chart } from './chart.js';
import { linear, logSpans, share } from './chart-scales.js';
import { h, put } from './dom.js';
import { percent } from './overview-tiles.js';
import { full, span } from './time.js';
import { count } from './words.js';

const whole = (n) => count(n ?? 0);
const most = (points, value) => Math.max(0, ...points.map((point) => value(point) ?? 0));
const sum = (points, value) => points.reduce((total, point) => total + value(point), 0);
const ratio = ({ delivered, attempts }) => (attempts > 0 ? delivered / attempts : null);

/**
 * The highest value with its time, as the end of a sentence.
 * @param {Api.Figures[]} points
 * @param {(point: Api.Figures) => number|null} value
 * @param {(n: number|null) => string} say
 */
function highest(points, value, say) {
  const at = points.reduce((best, point) => ((value(point) ?? -1) > (value(best) ?? -1) ? point : best), points[0]);
  return value(at) ? `The most was ${say(value(at))}, at ${full(at.at)}.` : 'Nothing to show in this span.';
}

/** @type {import('./chart.js').Drawing<Api.Figures>[]} */
const CHARTS = [
  {
    title: 'Throughput',
    nothing: 'Nothing was sent in this span',
    kind: 'bars',
    series: [
      { name: 'Delivered', tone: 'delivered', value: (point) => point.delivered, say: whole },
      { name: 'Failed attempts', tone: 'failed', value: (point) => point.failed, say: whole },
    ],
    scale: (points) => linear(most(points, ({ attempts }) => attempts)),
    summary: (points) => {
      const [delivered, failed] = [sum(points, (point) => point.delivered), sum(points, (point) => point.failed)];
      const peak = highest(points, ({ attempts }) => attempts, count);
      return `${count(delivered)} attempts delivered, ${count(failed)} failed. ${peak}`;
    },
  },
  {
    title: 'Delivery lag',
    nothing: 'Nothing was delivered in this span',
    kind: 'lines',
    series: [
      { name: 'p50', tone: 'p50', value: (point) => point.lagP50Ms, say: span },
      { name: 'p99', tone: 'p99', value: (point) => point.lagP99Ms, say: span },
    ],
    scale: (points) => {
      const lags = points.flatMap(({ lagP50Ms, lagP99Ms }) => [lagP50Ms, lagP99Ms]).filter((ms) => ms !== null);
      return lags.length > 0 ? logSpans(Math.min(...lags), Math.max(...lags)) : logSpans(1, 1_000);
    },
    summary: (points) => {
      const peak = highest(points, ({ lagP99Ms }) => lagP99Ms, span);
      return `The time from a change to its delivery that 50 and 99 of 100 took at most. ${peak}`;
    },
  },
  {
    title: 'Success',
    nothing: 'No attempt was made in this span',
    kind: 'lines',
    series: [
      { name: 'of the attempts', tone: 'success', value: ratio, say: (n) => (n === null ? '–' : percent(n, 1)) },
    ],
    scale: share,
    summary: (points) => {
      const delivered = sum(points, (point) => point.delivered);
      return `${percent(
        delivered,
        sum(points, ({ attempts }) => attempts),
      )} of the attempts were answered with 2xx.`;
    },
  },
  {
    title: 'Waiting',
    nothing: 'Nothing waited in this span',
    kind: 'area',
    series: [{ name: 'at most', tone: 'waiting', value: (point) => point.waiting, say: count }],
    scale: (points) => linear(most(points, ({ waiting }) => waiting)),
    summary: (points) => `Deliveries that waited. ${highest(points, ({ waiting }) => waiting, count)}`,
  },
];

/**
 * The charts; a point that is looked at in one is marked in all.
 * @returns {{element: HTMLElement, show: (points: Api.Figures[]) => void}}
 */
export function charts() {
  const onPick = (index) => drawn.forEach((one) => one.pick(index));
  const drawn = CHARTS.map((options) => chart({ ...options, onPick }));
  const table = h('div', { class: 'scroller', role: 'region', 'aria-label': 'The numbers', tabindex: '0' });
  /** @type {Api.Figures[]} */
  let points = [];
  const numbers = h('details', { class: 'more card padded' }, h('summary', {}, 'The numbers as a table'), table);
  // Built when it is opened: nobody looks at it most of the time.
  const fill = () => {
    if (!numbers.open) return;
    const next = asTable(points);
    if (!table.firstChild?.isEqualNode(next)) put(table, next);
  };
  numbers.addEventListener('toggle', fill);
  return {
    element: h(
      'div',
      { class: 'stack' },
      h(
        'div',
        { class: 'charts' },
        drawn.map(({ element }) => element),
      ),
      numbers,
    ),
    show(next) {
      points = next;
      for (const one of drawn) one.show(points);
      fill();
    },
  };
}

/** @type {[string, (point: Api.Figures) => string][]} */
const COLUMNS = [
  ['From', ({ at }) => full(at)],
  ['Delivered', ({ delivered }) => count(delivered)],
  ['Failed', ({ failed }) => count(failed)],
  ['Success', ({ delivered, attempts }) => percent(delivered, attempts)],
  ['Lag p50', ({ lagP50Ms }) => span(lagP50Ms)],
  ['Lag p99', ({ lagP99Ms }) => span(lagP99Ms)],
  ['Waiting', ({ waiting }) => count(waiting)],
];

/** @param {Api.Figures[]} points */
const asTable = (points) =>
  h(
    'table',
    { class: 'numbers' },
    h(
      'thead',
      {},
      h(
        'tr',
        {},
        COLUMNS.map(([name]) => h('th', { scope: 'col' }, name)),
      ),
    ),
    h(
      'tbody',
      {},
      points.toReversed().map((point) =>
        h(
          'tr',
          {},
          COLUMNS.map(([, say]) => h('td', {}, say(point))),
        ),
      ),
    ),
  );
