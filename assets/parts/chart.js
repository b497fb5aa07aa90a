// chart: figures over time as drawings: charts with axes and a readout, and the small bars of a day. A chart is drawn
// in the pixels that it has, so that its text is never scaled. Must not fetch anything, nor know what the figures mean.

import { timeMarks } from './chart-scales.js';
import { h, put, svg } from './dom.js';
import { date, full, hour } from './time.js';
import { count } from './words.js';

const HEIGHT = 190;
const SPACE = { top: 10, right: 8, bottom: 24, left: 52 };
const MARK_WIDTH = 84; // of a time at the edge, with air

let last = 0;

/** @typedef {{at: string, seconds: number}} Span a span of time, of which there are figures */

/**
 * What is drawn of the points; `tone`: a class that says colour and stroke or pattern.
 * @template P
 * @typedef {{name: string, tone: string, value: (point: P) => number|null, say: (n: number|null) => string}} Series
 */

/**
 * Where things are in a drawing.
 * @typedef {{width: number, left: number, inner: number, step: number, scale: import('./chart-scales.js').Scale,
 *   y: (n: number) => number}} Frame
 */

/**
 * A chart as it is asked for: `bars` are stacked, the last on top; `nothing` is said where there is nothing to draw;
 * `summary` is the chart in a sentence.
 * @template P
 * @typedef {{title: string, kind: 'bars'|'lines'|'area', series: Series<P>[], nothing: string,
 *   scale: (points: P[]) => import('./chart-scales.js').Scale, summary: (points: P[]) => string}} Drawing
 */

/**
 * A chart of points over time.
 * @template {Span} P
 * @param {Drawing<P> & {onPick: (index: number|null) => void}} options `onPick`: the point that the reader looks at
 * @returns {{element: HTMLElement, show: (points: P[]) => void, pick: (index: number|null) => void}}
 */
export function chart({ title, kind, series, scale, nothing, summary, onPick }) {
  last += 1;
  const id = `chart-${last}`;
  const drawing = svg('svg', { 'aria-hidden': 'true', height: HEIGHT });
  const values = series.map(({ name, tone }) => ({ out: h('b', {}), name, tone }));
  const at = h('span', { class: 'soft chart-at' });
  const said = h('p', { class: 'off-screen', id: `${id}-sum` });
  // As a slider a screen reader steps through the points and reads each.
  const plot = h(
    'div',
    {
      class: 'plot',
      tabindex: '0',
      role: 'slider',
      'aria-label': title,
      'aria-describedby': `${id}-sum`,
      'aria-valuemin': '0',
    },
    drawing,
  );
  const element = h(
    'section',
    { class: 'card chart', 'aria-labelledby': `${id}-title` },
    h(
      'div',
      { class: 'chart-head' },
      h('h2', { id: `${id}-title` }, title),
      h(
        'div',
        { class: 'legend' },
        values.map(({ out, name, tone }) => h('span', {}, swatch(kind, tone), name, ' ', out)),
        at,
      ),
    ),
    plot,
    said,
  );
  /** @type {P[]} */
  let points = [];
  /** @type {number|null} */
  let picked = null;
  /** @type {Frame|null} */
  let frame = null;
  const cross = svg('path', { class: 'cross' });

  function draw() {
    const width = Math.floor(plot.clientWidth);
    if (width === 0 || points.length === 0) return;
    const [inner, scaled] = [width - SPACE.left - SPACE.right, scale(points)];
    const y = (n) => SPACE.top + (1 - scaled.place(n)) * (HEIGHT - SPACE.top - SPACE.bottom);
    frame = { width, scale: scaled, left: SPACE.left, inner, step: inner / points.length, y };
    drawing.setAttribute('viewBox', `0 0 ${width} ${HEIGHT}`);
    drawing.setAttribute('width', String(width));
    const isEmpty = kind !== 'lines' ? isZero(points, series) : isUnknown(points, series);
    const content = isEmpty ? remark(frame, nothing) : DRAW[kind](frame, points, series, id);
    put(drawing, pattern(id), edges(frame, points), content, cross);
    said.textContent = summary(points);
    plot.setAttribute('aria-valuemax', String(points.length - 1));
    read(frame);
  }

  /** Shows the numbers of the point that is picked, beside the names. */
  function read(within) {
    const point = picked === null ? null : points[picked];
    series.forEach(({ value, say }, index) => {
      values[index].out.textContent = point ? say(value(point)) : '';
    });
    at.textContent = point ? whenOf(point) : '';
    const shown = point ?? points[points.length - 1];
    plot.setAttribute('aria-valuenow', String(picked ?? points.length - 1));
    const numbers = series.map(({ name, value, say }) => `${name} ${say(value(shown))}`).join(', ');
    plot.setAttribute('aria-valuetext', `${full(shown.at)}: ${numbers}`);
    cross.setAttribute('d', picked === null ? '' : `M${x(within, picked)} ${SPACE.top}V${HEIGHT - SPACE.bottom}`);
  }

  const whenOf = (point) => (point.seconds >= 3_600 ? `${date(point.at)}, ${hour(point.at)}` : hour(point.at));

  const point = (event) => {
    if (!frame) return;
    const from = event.clientX - plot.getBoundingClientRect().left - frame.left;
    onPick(Math.max(0, Math.min(points.length - 1, Math.floor(from / frame.step))));
  };
  plot.addEventListener('pointermove', point);
  plot.addEventListener('pointerdown', point);
  // A finger that is lifted leaves its readout there, until something else is touched.
  plot.addEventListener('pointerleave', (event) => event.pointerType === 'mouse' && onPick(null));
  plot.addEventListener('blur', () => onPick(null));
  plot.addEventListener('keydown', (event) => {
    const end = points.length - 1;
    const here = picked ?? end;
    const to = {
      ArrowLeft: picked === null ? end : here - 1,
      ArrowRight: here + 1,
      PageUp: here - 10,
      PageDown: here + 10,
      Home: 0,
      End: end,
      Escape: null,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    onPick(to === null ? null : Math.max(0, Math.min(end, to)));
  });
  new ResizeObserver(draw).observe(plot);

  return {
    element,
    show(next) {
      points = next;
      if (picked !== null && picked >= points.length) picked = null;
      draw();
    },
    pick(index) {
      picked = index;
      if (frame && points.length > 0) read(frame);
    },
  };
}

const isZero = (points, series) => points.every((point) => series.every(({ value }) => !value(point)));
const isUnknown = (points, series) => points.every((point) => series.every(({ value }) => value(point) === null));

const remark = ({ left, inner }, words) =>
  svg('text', { class: 'remark', x: left + inner / 2, y: HEIGHT / 2, 'text-anchor': 'middle' }, words);

/** What stands for a series beside its name, with the same stroke or pattern. */
function swatch(kind, tone) {
  const shape = kind === 'lines' ? 'M1 6H17' : 'M1 1H17V11H1Z';
  const key = `${tone}-key`;
  return svg(
    'svg',
    { class: 'swatch', viewBox: '0 0 18 12', width: 18, height: 12, 'aria-hidden': 'true' },
    pattern(key),
    svg('path', {
      class: [kind, tone],
      d: shape,
      fill: kind !== 'lines' && tone === 'failed' ? `url(#${key}-hatch)` : null,
    }),
  );
}

/** Slanted lines, so that what failed is told apart without its colour. */
const pattern = (id) =>
  svg(
    'pattern',
    { id: `${id}-hatch`, width: 5, height: 5, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
    svg('rect', { class: 'hatch-ground', width: 5, height: 5 }),
    svg('rect', { class: 'hatch-line', width: 2.5, height: 5 }),
  );

/** The marks at the edges with their lines. */
function edges({ width, left, step, inner, scale, y }, points) {
  const ground = HEIGHT - SPACE.bottom;
  const times = timeMarks(points, Math.max(2, Math.floor(inner / MARK_WIDTH)));
  return svg(
    'g',
    { class: 'edges' },
    scale.marks.map(({ at, label }) => [
      svg('path', { d: `M${left} ${Math.round(y(at)) + 0.5}H${width - SPACE.right}` }),
      svg('text', { x: left - 8, y: Math.round(y(at)) + 4, 'text-anchor': 'end' }, label),
    ]),
    times.map(({ index, label }) => {
      const x = Math.round(left + index * step) + 0.5;
      return [
        svg('path', { d: `M${x} ${ground}v4` }),
        svg('text', { x, y: HEIGHT - 5, 'text-anchor': anchor(x, left, width) }, label),
      ];
    }),
  );
}

/** Labels at the ends stay within the drawing. */
function anchor(x, left, width) {
  if (x > width - 34) return 'end';
  return x < left + 10 ? 'start' : 'middle';
}

const DRAW = {
  bars({ left, step, y }, points, series, id) {
    const gap = step > 4 ? 1 : step > 2 ? 0.5 : 0;
    return points.map((point, index) => {
      let sum = 0;
      return series.map(({ tone, value }) => {
        const n = value(point) ?? 0;
        if (n === 0) return null;
        const [low, high] = [y(sum), y(sum + n)];
        sum += n;
        return svg('rect', {
          class: ['bars', tone],
          x: left + index * step + gap,
          y: Math.min(high, low - 1.5),
          width: Math.max(1, step - 2 * gap),
          height: Math.max(1.5, low - high),
          fill: tone === 'failed' ? `url(#${id}-hatch)` : null,
        });
      });
    });
  },

  lines(frame, points, series) {
    return series.map(({ tone, value }) =>
      runs(points, value).map((run) =>
        run.length === 1
          ? svg('circle', { class: ['lines', tone], cx: x(frame, run[0].index), cy: frame.y(run[0].n), r: 2 })
          : svg('path', { class: ['lines', tone], d: line(frame, run) }),
      ),
    );
  },

  area(frame, points, [{ tone, value }]) {
    const ground = frame.y(0);
    return runs(points, value).map((run) => [
      svg('path', { class: ['area', tone], d: `${line(frame, run)}V${ground}H${x(frame, run[0].index)}Z` }),
      svg('path', { class: ['lines', tone], d: line(frame, run) }),
    ]);
  },
};

const x = ({ left, step }, index) => left + (index + 0.5) * step;
const line = (frame, run) =>
  run.map(({ index, n }, at) => `${at ? 'L' : 'M'}${x(frame, index).toFixed(1)} ${frame.y(n).toFixed(1)}`).join('');

/** The stretches without a gap. */
function runs(points, value) {
  const found = [];
  let run = null;
  points.forEach((point, index) => {
    const n = value(point);
    if (n === null) run = null;
    else if (run) run.push({ index, n });
    else found.push((run = [{ index, n }]));
  });
  return found;
}

const DAY_WIDTH = 120;
const DAY_HEIGHT = 28;

/**
 * A day in small bars: what was delivered, and on top, with a point, what failed.
 * @param {{points: {at: string, delivered: number, failed: number}[], label: string}} options
 * @returns {SVGElement} an image with `label` as its name; each bar says its hour and its numbers
 */
export function sparkline({ points, label }) {
  const most = Math.max(1, ...points.map(({ delivered, failed }) => delivered + failed));
  const step = DAY_WIDTH / Math.max(1, points.length);
  const size = { viewBox: `0 0 ${DAY_WIDTH} ${DAY_HEIGHT}`, width: DAY_WIDTH, height: DAY_HEIGHT };
  return svg(
    'svg',
    { class: 'sparkline', role: 'img', 'aria-label': label, ...size },
    svg('path', { class: 'spark-base', d: `M0 ${DAY_HEIGHT - 0.5}H${DAY_WIDTH}` }),
    points.map((point, index) => sparkBar(point, index * step, step, most)),
  );
}

function sparkBar({ at, delivered, failed }, start, step, most) {
  const ground = DAY_HEIGHT - 1;
  // Whatever is not zero is seen, however much there is beside it.
  const tall = (n, least) => (n > 0 ? Math.max(least, (n / most) * (ground - 1)) : 0);
  const top = Math.min(tall(failed, 5), ground);
  const body = Math.min(tall(delivered, 2), ground - top);
  const [left, right] = [start + 0.75, start + step - 0.75];
  const peak = ground - body - top;
  const shoulder = Math.min(peak + 4, ground - body);
  return svg(
    'g',
    {},
    svg('title', {}, `${hour(at)}: ${count(delivered)} delivered, ${count(failed)} failed`),
    // The whole height answers to the pointer, also where there is nothing.
    svg('rect', { class: 'spark-space', x: start, y: 0, width: step, height: DAY_HEIGHT }),
    body > 0 && svg('rect', { class: 'spark-delivered', x: left, y: ground - body, width: right - left, height: body }),
    top > 0 &&
      svg('path', {
        class: 'spark-failed',
        d: `M${left} ${ground - body}V${shoulder}L${(left + right) / 2} ${peak}L${right} ${shoulder}V${ground - body}Z`,
      }),
  );
}
