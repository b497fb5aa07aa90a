// chart-scales: from figures to places in a drawing, and the few round marks at its edges. Pure; must not draw.

import { date, hour } from './time.js';

/** A number short enough for an axis: `1.2k`. */
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/**
 * From values to heights, 0 (bottom) to 1 (top), with the marks at the edge.
 * @typedef {{place: (n: number) => number, marks: {at: number, label: string}[]}} Scale
 */

/**
 * A scale from zero up to a round number.
 * @param {number} most
 * @returns {Scale}
 */
export function linear(most) {
  const step = roundStep(Math.max(1, most) / 3);
  const top = Math.ceil(Math.max(1, most) / step) * step;
  const marks = [];
  for (let at = 0; at <= top; at += step) marks.push({ at, label: compact.format(at) });
  return { place: (n) => n / top, marks };
}

/**
 * The round step (1, 2 or 5 times a power of ten, and whole) that is nearest above.
 * @param {number} least
 */
function roundStep(least) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, least)));
  return [1, 2, 5].map((n) => n * power).find((step) => step >= least) ?? 10 * power;
}

/**
 * A share of 1, from nothing to all.
 * @returns {Scale}
 */
export function share() {
  const marks = [0, 0.25, 0.5, 0.75, 1].map((at) => ({ at, label: `${at * 100} %` }));
  return { place: (n) => n, marks };
}

const [SECOND, MINUTE, HOUR, DAY] = [1_000, 60_000, 3_600_000, 86_400_000];
const ROUND_SPANS = [
  { at: 1, label: '1 ms' },
  { at: 10, label: '10 ms' },
  { at: 100, label: '100 ms' },
  { at: SECOND, label: '1 s' },
  { at: 10 * SECOND, label: '10 s' },
  { at: MINUTE, label: '1 min' },
  { at: 10 * MINUTE, label: '10 min' },
  { at: HOUR, label: '1 h' },
  { at: 10 * HOUR, label: '10 h' },
  { at: 4 * DAY, label: '4 d' },
  { at: 40 * DAY, label: '40 d' },
];

/**
 * Spans of time, each mark a multiple of the one below.
 * @param {number} least milliseconds
 * @param {number} most
 * @returns {Scale}
 */
export function logSpans(least, most) {
  const low = ROUND_SPANS.findLast(({ at }) => at <= least)?.at ?? 1;
  const high = ROUND_SPANS.find(({ at }) => at >= most && at > low)?.at ?? most;
  const [bottom, top] = [Math.log(low), Math.log(high)];
  const marks = ROUND_SPANS.filter(({ at }) => at >= low && at <= high);
  return { place: (ms) => (Math.log(Math.max(low, Math.min(high, ms))) - bottom) / (top - bottom), marks };
}

const STEPS = [5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 720, 1_440, 2_880].map((minutes) => minutes * MINUTE);

/**
 * In which of the steps of a day a moment lies, by the reader's clock.
 * @param {Date} at
 * @param {number} step
 */
function bucket(at, step) {
  if (step >= DAY) return Math.floor((at.getTime() - at.getTimezoneOffset() * MINUTE) / step);
  return `${at.getDate()} ${Math.floor((at.getHours() * HOUR + at.getMinutes() * MINUTE) / step)}`;
}

/**
 * The points at which a round time of the reader's clock begins, no more than `most`.
 * @param {{at: string}[]} points
 * @param {number} most
 * @returns {{index: number, label: string}[]}
 */
export function timeMarks(points, most) {
  const times = points.map(({ at }) => new Date(at));
  for (const step of STEPS) {
    const marks = [];
    for (let index = 1; index < times.length; index += 1) {
      if (bucket(times[index], step) !== bucket(times[index - 1], step)) marks.push(index);
    }
    if (marks.length <= most || step === STEPS.at(-1)) {
      return marks.map((index) => ({ index, label: step >= DAY ? date(points[index].at) : hour(points[index].at) }));
    }
  }
  return [];
}
