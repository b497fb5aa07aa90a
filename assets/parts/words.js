// words: the closed sets of the API as people read them. Must not know where they are shown.

import { h } from './dom.js';
import { icon } from './icons.js';

/** @typedef {{value: string, label: string}[]} Words a closed set of the API */

/**
 * A state with its drawing and its colour.
 * @template {string} V
 * @typedef {{value: V, label: string, icon: string, tone: 'good'|'info'|'warn'|'bad'|'plain'}} State
 */

/** @type {{value: Api.Status, label: string}[]} */
export const STATUSES = [
  { value: 'OPEN', label: 'Open' },
  { value: 'IN_PROGRESS', label: 'In progress' },
  { value: 'DONE', label: 'Done' },
  { value: 'CANCELLED', label: 'Cancelled' },
];

/** @type {{value: Api.Priority, label: string}[]} */
export const PRIORITIES = [
  { value: 'LOW', label: 'Low' },
  { value: 'NORMAL', label: 'Normal' },
  { value: 'HIGH', label: 'High' },
  { value: 'URGENT', label: 'Urgent' },
];

// Those that the user's guide names; any label of the same form may be used.
export const TYPES = ['TECH', 'WRITING', 'TRANSLATION', 'LEARNING'];
export const CATEGORIES = ['WORK', 'PERSONAL', 'STUDY', 'PROJECT', 'MEETING', 'OTHER'];

/** @type {{value: Api.TaskEventKind, label: string}[]} */
export const EVENTS = [
  { value: 'task_created', label: 'Created' },
  { value: 'task_updated', label: 'Updated' },
  { value: 'task_status_changed', label: 'Status changed' },
  { value: 'task_deleted', label: 'Deleted' },
];

/** @type {{value: Exclude<Api.EventKind, Api.TaskEventKind>, label: string}[]} */
export const ALERTS = [
  { value: 'webhook_down', label: 'Webhook down' },
  { value: 'webhook_refusing', label: 'Webhook refuses everything' },
  { value: 'webhook_up', label: 'Webhook up again' },
  { value: 'delivery_failed', label: 'Delivery failed' },
  { value: 'backlog_high', label: 'Much waits' },
];

/**
 * A kind of event in words.
 * @param {string} kind
 */
export const eventLabel = (kind) => labelOf([...EVENTS, ...ALERTS], kind);

/** @type {{value: NonNullable<Api.WebhookInput['payload']>, label: string}[]} */
export const PAYLOADS = [
  { value: 'classic', label: 'classic: the event and the task' },
  { value: 'full', label: 'full: what changed, and how the task was before' },
];

/** @type {{value: NonNullable<Api.WebhookInput['profile']>, label: string}[]} */
export const PROFILES = [
  { value: 'auto', label: 'auto: known by its host and its answers' },
  { value: 'make', label: 'make: 25 requests a second' },
  { value: 'n8n', label: 'n8n: its answers are explained' },
  { value: 'plain', label: 'plain: an answer means what its status says' },
];

/** @type {{value: NonNullable<Api.WebhookInput['onReject']>, label: string}[]} */
export const ON_REJECT = [
  { value: 'skip', label: 'skip: the next change goes out' },
  { value: 'hold', label: 'hold: its task waits for you' },
];

/** @type {State<Api.DeliveryStatus>[]} */
export const DELIVERY_STATUSES = [
  { value: 'pending', label: 'Pending', icon: 'clock', tone: 'info' },
  { value: 'sending', label: 'Sending', icon: 'send', tone: 'info' },
  { value: 'delivered', label: 'Delivered', icon: 'check', tone: 'good' },
  { value: 'held', label: 'Held', icon: 'pause', tone: 'warn' },
  { value: 'failed', label: 'Failed', icon: 'alert', tone: 'bad' },
  { value: 'cancelled', label: 'Cancelled', icon: 'stop', tone: 'plain' },
];

/** @type {State<Api.WebhookStatus>[]} */
export const WEBHOOK_STATUSES = [
  { value: 'up', label: 'Up', icon: 'check', tone: 'good' },
  { value: 'refusing', label: 'Refusing', icon: 'alert', tone: 'bad' },
  { value: 'down', label: 'Down', icon: 'alert', tone: 'bad' },
  { value: 'misconfigured', label: 'Misconfigured', icon: 'key', tone: 'bad' },
  { value: 'gone', label: 'Gone', icon: 'cross', tone: 'bad' },
  { value: 'paused', label: 'Paused', icon: 'pause', tone: 'warn' },
];

/**
 * The values of one of these sets.
 * @param {{value: string}[]} set
 */
export const valuesOf = (set) => set.map(({ value }) => value);

/**
 * A label from one of these sets; the value itself where it is not among them.
 * @param {Words} set
 * @param {string} value
 */
export const labelOf = (set, value) => set.find((entry) => entry.value === value)?.label ?? value;

/**
 * A state with its drawing, its colour and its word, or other words in its place. `title` says more.
 * @param {State<string>[]} set
 * @param {string} value
 * @param {string} [title]
 * @param {string} [words]
 */
export function mark(set, value, title, words) {
  const entry = set.find((known) => known.value === value);
  if (!entry) return h('span', { class: 'mark plain', title }, words ?? value);
  return h('span', { class: ['mark', entry.tone], title }, icon(entry.icon), words ?? entry.label);
}

const numbers = new Intl.NumberFormat('en');

/**
 * A number with its thousands: `12,345`.
 * @param {number|null|undefined} n
 */
export const count = (n) => (n === null || n === undefined ? '–' : numbers.format(n));

/**
 * A text of somebody in a sentence of ours, apart, so that its direction does not turn ours round.
 * @param {string} text
 */
export const apart = (text) => `\u2068${text}\u2069`;

/**
 * The same, quoted.
 * @param {string} text
 */
export const quote = (text) => `“${apart(text)}”`;

/**
 * A text of somebody, short enough for a sentence.
 * @param {string} text
 */
export const brief = (text) => (text.length > 40 ? `${text.slice(0, 40).trimEnd()}…` : text);

/**
 * `1 task`, `2 tasks`.
 * @param {number} n
 * @param {string} one
 * @param {string} [more]
 */
export const many = (n, one, more = `${one}s`) => `${count(n)} ${n === 1 ? one : more}`;
