// time: moments and spans as people read them, in the reader's zone. Must not ask the server anything.

import { h } from './dom.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const whole = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'medium' });
const day = new Intl.DateTimeFormat('en', { month: 'short', day: 'numeric' });
const dayOfYear = new Intl.DateTimeFormat('en', { month: 'short', day: 'numeric', year: 'numeric' });
const clock = new Intl.DateTimeFormat('en', { hour: 'numeric', minute: '2-digit' });
const utcDay = new Intl.DateTimeFormat('en', { month: 'short', day: 'numeric', timeZone: 'UTC' });
const utcDayOfYear = new Intl.DateTimeFormat('en', { month: 'short', day: 'numeric', year: 'numeric', timeZone: 'UTC' });
const relative = new Intl.RelativeTimeFormat('en', { style: 'short', numeric: 'auto' });
// Without the dots of what is cut short: it stands within sentences.
const said = (n, unit) => relative.format(n, unit).replaceAll('.', '');

/**
 * A moment in full: `Nov 25, 2026, 3:04:05 PM`.
 * @param {string} iso
 */
export const full = (iso) => whole.format(new Date(iso));

const MOMENT = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g;

/**
 * A sentence of the server, whose moments are in UTC, with the reader's own.
 * @template {string|null|undefined} S
 * @param {S} text
 * @returns {S|string}
 */
export const inLocalTime = (text) => text?.replace(MOMENT, full) ?? text;

/**
 * The hour and minute of a moment.
 * @param {string} iso
 */
export const hour = (iso) => clock.format(new Date(iso));

/**
 * The day of a moment; with its year if that is another.
 * @param {string} iso
 * @param {number} [now]
 */
export function date(iso, now = Date.now()) {
  const at = new Date(iso);
  return (at.getFullYear() === new Date(now).getFullYear() ? day : dayOfYear).format(at);
}

/**
 * How far a moment is from now: `12 sec ago`, `in 3 min`; the day, if that is more than a week.
 * @param {string} iso
 * @param {number} [now]
 */
function ago(iso, now = Date.now()) {
  const ms = Date.parse(iso) - now;
  const far = Math.abs(ms);
  if (far < 2 * SECOND) return 'now';
  if (far < MINUTE) return said(Math.round(ms / SECOND), 'second');
  if (far < HOUR) return said(Math.round(ms / MINUTE), 'minute');
  if (far < DAY) return said(Math.round(ms / HOUR), 'hour');
  if (far < 7 * DAY) return said(Math.round(ms / DAY), 'day');
  return date(iso, now);
}

/**
 * A span: `84 ms`, `1.2 s`, `3 min`, `5 h`, `2 d`.
 * @param {number|null|undefined} ms
 */
export function span(ms) {
  if (ms === null || ms === undefined) return '–';
  if (ms < SECOND) return `${Math.round(ms)} ms`;
  if (ms < 10 * SECOND) return `${(ms / SECOND).toFixed(1)} s`;
  if (ms < 2 * MINUTE) return `${Math.round(ms / SECOND)} s`;
  if (ms < 2 * HOUR) return `${Math.round(ms / MINUTE)} min`;
  if (ms < 2 * DAY) return `${Math.round(ms / HOUR)} h`;
  return `${Math.round(ms / DAY)} d`;
}

/**
 * The same of what is to come: past its moment it is due, though it may wait for its turn.
 * @param {string} iso
 */
const ahead = (iso) => (Date.parse(iso) < Date.now() ? 'now' : ago(iso));

/**
 * A moment that stays right while it is shown; the whole of it is in the tooltip.
 * @param {string} iso
 */
export function when(iso) {
  return h('time', { datetime: iso, title: full(iso), data: { ago: '' } }, ago(iso));
}

/**
 * The same of what is to come.
 * @param {string} iso
 */
export const next = (iso) => h('time', { datetime: iso, title: full(iso), data: { ago: 'ahead' } }, ahead(iso));

// One clock for all that is shown: lists are virtual, so these are few.
setInterval(() => {
  if (document.hidden) return;
  /** @type {NodeListOf<HTMLTimeElement>} */
  const shown = document.querySelectorAll('time[data-ago]');
  for (const element of shown) {
    const text = (element.dataset.ago ? ahead : ago)(element.dateTime);
    if (element.textContent !== text) element.textContent = text;
  }
}, SECOND);

/**
 * Whether a due date is a day without an hour: the server keeps these as midnight UTC.
 * @param {string} iso
 */
export const isWholeDay = (iso) => iso.endsWith('T00:00:00.000Z');

/**
 * A due date: a day stays that day in every zone.
 * @param {string} iso
 * @param {number} [now]
 */
export function due(iso, now = Date.now()) {
  if (!isWholeDay(iso)) return `${date(iso, now)}, ${hour(iso)}`;
  const isThisYear = iso.slice(0, 4) === String(new Date(now).getFullYear());
  return (isThisYear ? utcDay : utcDayOfYear).format(new Date(iso));
}

/**
 * Whether a due date has passed: a day is over when it is over for the reader.
 * @param {string} iso
 * @param {number} [now]
 */
export function isOverdue(iso, now = Date.now()) {
  return isWholeDay(iso) ? iso.slice(0, 10) < localDay(new Date(now)) : Date.parse(iso) < now;
}

const two = (n) => String(n).padStart(2, '0');
/** @param {Date} at */
const localDay = (at) => `${String(at.getFullYear()).padStart(4, '0')}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;

/**
 * A due date as two fields of a form: the day, and the hour where it has one.
 * @param {string|null} iso
 */
export function dueFields(iso) {
  if (!iso) return { day: '', hour: '' };
  if (isWholeDay(iso)) return { day: iso.slice(0, 10), hour: '' };
  const at = new Date(iso);
  return { day: localDay(at), hour: `${two(at.getHours())}:${two(at.getMinutes())}` };
}

/**
 * Two fields of a form as a due date for the API; null where there is no day.
 * @param {string} day
 * @param {string} hour
 */
export function dueOf(day, hour) {
  if (!day) return null;
  return hour ? new Date(`${day}T${hour}`).toISOString() : day;
}

/**
 * A moment as the value of a `datetime-local` field, and back.
 * @param {string|null|undefined} iso
 */
export function toLocalField(iso) {
  if (!iso) return '';
  const at = new Date(iso);
  return `${localDay(at)}T${two(at.getHours())}:${two(at.getMinutes())}`;
}
/** @param {string} text */
export const fromLocalField = (text) => (Number.isNaN(Date.parse(text)) ? '' : new Date(text).toISOString());

/** The last moment of such a field: without it browsers take years of six digits. */
export const LAST_MOMENT = '9999-12-31T23:59';
