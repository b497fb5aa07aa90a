// task-rules: which tasks a filter lets through and in which order they stand, as the server does it, for changes that
// arrive one by one. Must not fetch or draw anything.

const DAY = 86_400_000;

export const SORTS = [
  { value: '-updatedAt', label: 'Last change' },
  { value: '-priority', label: 'Priority' },
  { value: 'dueDate', label: 'Due date' },
  { value: '-createdAt', label: 'Newest' },
  { value: 'title', label: 'Title' },
];

export const DUES = [
  { value: 'overdue', label: 'Before today' },
  { value: 'today', label: 'Due today' },
  { value: 'week', label: 'Next 7 days' },
];

const RANKS = ['LOW', 'NORMAL', 'HIGH', 'URGENT'];

/**
 * Whether nothing more is to be done: such a task is never overdue.
 * @param {string} status
 */
export const isEnded = (status) => status === 'DONE' || status === 'CANCELLED';

/**
 * Midnight UTC of the reader's day, which is how the server keeps a due date without an hour.
 * @param {Date} now
 */
function startOfToday(now) {
  return Date.UTC(now.getFullYear(), now.getMonth(), now.getDate());
}

/**
 * What the filters of the page say; several values of one have commas between them.
 * @typedef {{q: string, status?: string, priority?: string, type?: string, category?: string, tag?: string,
 *   due?: string}} Filters
 */

/** @typedef {ReturnType<typeof cardOf>} Card */

/**
 * The filters of the page as parameters of `GET /api/tasks` for one status; null if none of it can match.
 * @param {Filters} filters
 * @param {string} status
 * @param {Date} [now]
 * @returns {{q: string, priority?: string, type?: string, category?: string, tag?: string, dueBefore?: string,
 *   dueAfter?: string}|null}
 */
export function parameters({ q, status: only, priority, type, category, tag, due }, status, now = new Date()) {
  if (only && !only.split(',').includes(status)) return null;
  if (due === 'overdue' && isEnded(status)) return null;
  const today = startOfToday(now);
  const at = (ms) => new Date(ms).toISOString();
  const span = {
    // Of what is due at an hour, nothing that is still to come: east of Greenwich the day begins before midnight UTC.
    overdue: { dueBefore: at(Math.min(today, now.getTime())) },
    today: { dueAfter: at(today), dueBefore: at(today + DAY) },
    week: { dueAfter: at(today), dueBefore: at(today + 7 * DAY) },
  };
  return { q: q.trim(), priority, type, category, tag, ...(due && span[due]) };
}

/** @param {string|null} text */
const composed = (text) => (text ?? '').normalize('NFC');

/**
 * A text as it is looked for: whatever the case, and however its letters are composed.
 * @param {string|null} text
 */
export const folded = (text) => composed(text).toLowerCase();

/**
 * A text as it is put in order: by letters without their accents, as the server does it (`model/text.rs`).
 * @param {string} text
 */
const alphabetical = (text) => text.toLowerCase().normalize('NFD').replace(/[\u0300-\u036f]/g, '').replaceAll('ß', 'ss');

/**
 * Whether a task is shown under the filters of the page.
 * @param {Omit<Api.Task, 'attachments'>} task
 * @param {Filters} filters
 */
export function fits(task, filters) {
  const wanted = parameters(filters, task.status);
  if (!wanted) return false;
  const { q, priority, type, category, tag, dueBefore, dueAfter } = wanted;
  const due = task.dueDate ? Date.parse(task.dueDate) : null;
  const texts = [task.title, task.description].map(folded);
  const isFound = (word) => texts.some((text) => text.includes(word));
  // Several values have commas between them; one is enough.
  const isOf = (several, value) => !several || several.split(/\s*,\s*/).includes(value);
  return (
    folded(q).split(/\s+/).every(isFound) &&
    isOf(priority, task.priority) &&
    isOf(type, task.type) &&
    isOf(category, task.category) &&
    (!tag || [tag, ...tag.split(',')].some((one) => task.tags.some((has) => composed(has) === composed(one.trim())))) &&
    (!dueBefore || (due !== null && due < Date.parse(dueBefore))) &&
    (!dueAfter || (due !== null && due >= Date.parse(dueAfter)))
  );
}

/** @type {Record<string, (card: Card) => string|number>} */
const KEYS = {
  updatedAt: (card) => card.updatedAt,
  createdAt: (card) => card.createdAt,
  priority: (card) => RANKS.indexOf(card.priority),
  // Without a due date: last.
  dueDate: (card) => card.dueDate ?? '~',
  title: (card) => alphabetical(card.title),
};

/**
 * Whether a card stands before one that comes in. Ties are in order of creation, in the same direction; of two that
 * were made in the same millisecond the one that comes in is taken for the later.
 * @param {string} sort
 * @returns {(there: Card, coming: Card) => boolean}
 */
export function order(sort) {
  const isDescending = sort.startsWith('-');
  const key = KEYS[sort.replace('-', '')] ?? KEYS.updatedAt;
  const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  return (there, coming) => {
    const by = compare(key(there), key(coming)) || compare(there.createdAt, coming.createdAt);
    return isDescending ? by > 0 : by <= 0;
  };
}

/**
 * What a board keeps of a task: descriptions may be long, and there may be many tasks.
 * @param {Api.Task} task
 */
export function cardOf({ description: _long, attachments, ...kept }) {
  return { ...kept, files: attachments.length };
}
