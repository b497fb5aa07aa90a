// task-card: one task as a card on the board. Must not change a task or know where the card stands.

import { h } from './dom.js';
import { icon } from './icons.js';
import { isEnded } from './task-rules.js';
import { due, dueFields, full, hour, isOverdue, isWholeDay, toLocalField } from './time.js';
import { DELIVERY_STATUSES, labelOf, mark, many, PRIORITIES } from './words.js';

const FATE_ROOM = 12; // letters
const LABEL_MOST = 16; // letters of a label before it is cut
const SHAPES = { HIGH: ['warn', '▲'], URGENT: ['bad', '▲▲'], LOW: ['plain', '▽'] };
const DAY = 86_400_000;

/** @typedef {import('./task-rules.js').Card} Card */
/** @typedef {import('./task-fates.js').Fate} Fate */

/**
 * What makes two pictures of a card differ.
 * @param {Card} card
 * @param {Fate|undefined} fate
 * @param {number} room
 */
export const stampOf = (card, fate, room) =>
  JSON.stringify([card, fate, room, card.dueDate && dueWords(card.dueDate, card.status)[1]]);

/**
 * A card.
 * @param {Card} card what the board keeps of the task
 * @param {Fate|undefined} fate
 * @param {number} room how many letters fit in a line
 * @param {(name: string, value: string) => void} onFilter a label on it was pressed
 */
export function taskCard(card, fate, room, onFilter) {
  const marks = [priorityMark(card), dueMark(card), filesMark(card)].filter(Boolean);
  const fated = fateMark(card, fate);
  const hasLabels = card.category || card.type || card.tags.length > 0;
  // What became of it comes later than the card: its place is in a line that is there anyway, so that nothing moves.
  const isShared = hasLabels && marks.length === 0;
  return h(
    'div',
    {
      class: 'task',
      tabindex: '-1',
      draggable: 'true',
      role: 'listitem',
      'aria-label': spoken(card, fate),
      data: { id: card.id, test: 'card', priority: card.priority },
    },
    // A link, so that a task can be opened in a tab of its own.
    h(
      'a',
      { class: 'task-title', href: `/?open=${encodeURIComponent(card.id)}`, dir: 'auto', tabindex: '-1', draggable: 'false' },
      card.title,
    ),
    h('div', { class: 'task-line' }, isShared ? labels(card, room - FATE_ROOM, onFilter) : marks, fated),
    hasLabels && !isShared && labels(card, room, onFilter),
  );
}

/**
 * Category, type and tags in one line: as many as there is room for, and how many more there are.
 * @param {Card} card
 * @param {number} room
 * @param {(name: string, value: string) => void} onFilter
 */
function labels({ category, type, tags }, room, onFilter) {
  /**
   * @param {string} name
   * @param {string|null} value
   */
  const named = (name, value) => (value ? [{ name, value }] : []);
  const all = [...named('category', category), ...named('type', type), ...tags.flatMap((tag) => named('tag', tag))];
  // Capitals are wider; the rest is the space around them.
  const costOf = ({ name, value }) => Math.min(value.length, LABEL_MOST) * (name === 'tag' ? 1 : 1.25) + 3;
  let left = room;
  let shown = 0;
  // Unless it is the last one, room for the number of the rest must be left.
  while (shown < all.length && left - costOf(all[shown]) >= (shown < all.length - 1 ? 3 : 0))
    left -= costOf(all[shown++]);
  shown = Math.max(1, shown);
  const rest = all.slice(shown).map(({ value }) => value);
  return h(
    'div',
    { class: 'labels' },
    all.slice(0, shown).map(({ name, value }) =>
      h(
        'button',
        {
          type: 'button',
          class: ['chip', name],
          dir: 'auto',
          tabindex: '-1',
          title: `Only ${value}`,
          on: { click: () => onFilter(name, value) },
        },
        value,
      ),
    ),
    rest.length > 0 && h('span', { class: 'chip more', title: rest.join(', ') }, `+${rest.length}`),
  );
}

/** @param {Card} card */
function priorityMark(card) {
  const [tone, shape] = SHAPES[card.priority] ?? [];
  return (
    tone &&
    h(
      'span',
      { class: ['mark', tone] },
      h('span', { 'aria-hidden': 'true' }, shape),
      h('span', { class: 'words' }, labelOf(PRIORITIES, card.priority)),
    )
  );
}

/** The reader's day of a moment that is some days from now. */
const dayIn = (days) => toLocalField(new Date(Date.now() + days * DAY).toISOString()).slice(0, 10);

/**
 * How a due date stands to now: a tone and words.
 * @param {string} dueDate
 * @param {Api.Status} status
 */
function dueWords(dueDate, status) {
  const plain = due(dueDate);
  if (isEnded(status)) return ['plain', plain];
  if (isOverdue(dueDate)) return ['bad', `Overdue, ${plain}`];
  const { day } = dueFields(dueDate);
  const at = isWholeDay(dueDate) ? '' : `, ${hour(dueDate)}`;
  if (day === dayIn(0)) return ['warn', `Today${at}`];
  if (day === dayIn(1)) return ['warn', `Tomorrow${at}`];
  return ['plain', plain];
}

/** @param {Card} card */
function dueMark(card) {
  if (!card.dueDate) return null;
  const [tone, words] = dueWords(card.dueDate, card.status);
  const title = `Due ${isWholeDay(card.dueDate) ? due(card.dueDate) : full(card.dueDate)}`;
  return h('span', { class: ['mark', 'due', tone], title }, icon('clock'), h('span', { class: 'clip' }, words));
}

/** @param {Card} card */
const filesMark = (card) =>
  card.files > 0 && h('span', { class: 'mark plain files', title: many(card.files, 'attachment') }, icon('link'), card.files);

/**
 * Where the furthest from done stand, and how many that are where it is not all: `Failed`, `1 of 9 failed`.
 * @param {Fate} fate
 */
function fateWords({ status, counts }) {
  const label = labelOf(DELIVERY_STATUSES, status);
  const all = Object.values(counts ?? {}).reduce((sum, n) => sum + n, 0);
  const these = counts?.[status] ?? 1;
  return all > these ? `${these} of ${all} ${label.toLowerCase()}` : label;
}

/**
 * What became of the webhooks of its last change; what has arrived asks for no attention, so it has no word.
 * @param {Card} card
 * @param {Fate|undefined} fate
 */
function fateMark(card, fate) {
  if (!fate) return null;
  const isThere = fate.status === 'delivered';
  const words = fateWords(fate);
  const title = isThere ? 'Delivered: the webhooks of its last change have arrived.' : `${words}: ${fate.reasonText}`;
  return h(
    'a',
    {
      class: 'fate',
      href: `/deliveries?task=${encodeURIComponent(card.id)}`,
      tabindex: '-1',
      draggable: 'false',
      'aria-label': `Webhooks: ${words}`,
      title,
      data: { fate: fate.status, test: 'fate' },
    },
    isThere ? h('span', { class: 'mark good' }, icon('check')) : mark(DELIVERY_STATUSES, fate.status, undefined, words),
  );
}

/**
 * @param {Card} card
 * @param {Fate|undefined} fate
 */
function spoken(card, fate) {
  return [
    card.title,
    card.priority !== 'NORMAL' && `priority ${labelOf(PRIORITIES, card.priority)}`,
    card.dueDate && `due ${dueWords(card.dueDate, card.status)[1]}`,
    fate && `webhooks: ${fateWords(fate)}`,
    fate?.reasonText,
  ]
    .filter(Boolean)
    .join(', ');
}

/** A card that is still on its way. */
export const blankCard = () => h('div', { class: 'task blank', 'aria-hidden': 'true' }, h('span', {}), h('span', {}));
