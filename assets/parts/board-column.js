// board-column: the tasks of one status: fetched page by page as they come into sight, each at its sorted place.
// Must not know the other columns, nor change a task.

import { pages } from './api.js';
import { isCompact } from './density.js';
import { h } from './dom.js';
import { icon } from './icons.js';
import { virtualList } from './list.js';
import { uneven } from './list-places.js';
import { blankCard, stampOf, taskCard } from './task-card.js';
import { cardOf, order, parameters } from './task-rules.js';
import { count, many } from './words.js';

const FIRST_PAGE = 60;
const PAGE = 500;
const MOST = 1_000; // of a page, for who has jumped far ahead
const LETTER = 7; // pixels
const REST = 3_000; // milliseconds after a page that did not come
const BLANKS = 8; // places held while nobody knows how many there are
const GUESS = { loose: 100, compact: 38 }; // pixels of a card that nobody has seen, with the gap
const GAP = 6; // pixels below a card
const KEPT = 3_000; // cards that are fetched at once so that a column need not jump; the rest comes by itself

/** @typedef {import('./task-rules.js').Card} Card */
/** @typedef {import('./task-fates.js').Fate} Fate */
/** @typedef {ReturnType<typeof boardColumn>} Column */

/**
 * A column.
 * @param {{status: {value: Api.Status, label: string}, fateOf: (id: string) => Fate|undefined,
 *   isHidden: (id: string) => boolean, onFilter: (name: string, value: string) => void, onSight: () => void,
 *   onPage: (cards: Card[]) => void, onFault: (error: Error) => void, onAdd: () => void}} options `isHidden`: waits for its deletion; `onSight`: other cards are in sight
 */
export function boardColumn({ status, fateOf, isHidden, onFilter, onSight, onPage, onFault, onAdd }) {
  /** @type {Card[]} */
  let cards = [];
  /** @type {Map<string, Card>} all in `cards` by their task's id */
  let known = new Map();
  /** @type {number|null} null while nobody knows */
  let total = null;
  let isBefore = order('-updatedAt');
  /** @type {ReturnType<typeof pages<'/api/tasks'>>|null} */
  let pager = null;
  /** @type {AbortController|null} of what is under way */
  let loading = null;
  /** @type {Map<string, Card|null>} what became of cards while a page was under way, which may tell of before */
  let late = new Map();
  /** @type {string|null} the id of the card at which the tab key stops */
  let stop = null;
  let seen = [0, 0];
  let isResting = false; // a page did not come: not again at once
  let room = 36; // letters in a line of a card

  const number = h('span', { class: 'badge soft', data: { test: 'total' } }, '–');
  const scroller = h('div', { class: 'scroller column-cards', tabindex: '-1', data: { status: status.value } });
  const empty = h('p', { class: 'column-empty soft', hidden: true }, 'No tasks here.');
  const form = h('div', { class: 'column-add' });
  const add = `Add a task to ${status.label}`;
  const element = h(
    'section',
    { class: 'column', 'aria-label': status.label, data: { status: status.value } },
    h(
      'div',
      { class: 'column-head' },
      h('h2', {}, status.label),
      number,
      h(
        'button',
        { type: 'button', class: 'plain square', 'aria-label': add, title: add, on: { click: onAdd } },
        icon('plus'),
      ),
    ),
    form,
    empty,
    scroller,
  );

  new ResizeObserver(() => fitRoom() && draw()).observe(scroller);

  /** Counts how many letters fit; answers whether that has changed. */
  function fitRoom() {
    const now = Math.floor((scroller.clientWidth - 38) / LETTER);
    if (now === room || now <= 0) return false;
    room = now;
    return true;
  }

  const hasMore = () => pager?.hasMore ?? false;
  const key = (index) => cards[index]?.id ?? `blank-${index}`;
  /** @param {string} id */
  const indexOf = (id) => {
    const card = known.get(id);
    return card ? cards.indexOf(card) : -1;
  };
  const list = virtualList({
    scroller,
    places: uneven({ guess: () => (isCompact() ? GUESS.compact : GUESS.loose), gap: GAP, key, known: () => cards.length }),
    label: status.label,
    key,
    indexOf,
    stamp: (index) => (cards[index] ? stampOf(cards[index], fateOf(cards[index].id), room) : ''),
    render(index) {
      const card = cards[index];
      return card ? taskCard(card, fateOf(card.id), room, onFilter) : blankCard();
    },
    onRange(first, last) {
      seen = [first, last];
      setStop();
      if (last > cards.length && !loading && !isResting && hasMore())
        more(last - cards.length > PAGE ? MOST : PAGE).catch(onFault);
      onSight();
    },
  });

  /** Of a column the tab key stops at one card: where the focus was last, else the first. */
  function setStop() {
    const drawn = cards.slice(...seen);
    const at = drawn.find(({ id }) => id === stop) ?? drawn[0];
    for (const card of drawn) list.element(card.id)?.setAttribute('tabindex', card === at ? '0' : '-1');
  }

  /** How many places there are: a card that is still on its way has one too, so that the scroll bar tells the truth. */
  function places() {
    if (total === null) return loading ? BLANKS : 0;
    return hasMore() ? Math.max(total, cards.length + 1) : cards.length;
  }

  function draw() {
    // Before the first cards: they would be drawn twice.
    fitRoom();
    number.textContent = count(total);
    number.title = total === null ? '' : many(total, 'task');
    empty.hidden = !(total === 0 && cards.length === 0);
    list.update(places());
  }

  /**
   * Puts what a page brought behind `fresh`, as far as it is not there or on its way out.
   * @param {Card[]} fresh
   * @param {Map<string, Card>} ids
   * @param {Api.Task[]} tasks
   */
  function join(fresh, ids, tasks) {
    const added = tasks.filter(({ id }) => !ids.has(id) && !isHidden(id)).map(cardOf);
    for (const card of added) {
      fresh.push(card);
      ids.set(card.id, card);
    }
    onPage(added);
  }

  /** A page may have been read before what happened meanwhile. */
  function applyLate() {
    const changes = [...late];
    late = new Map();
    for (const [id, card] of changes) {
      take(id);
      if (card) place(card);
    }
  }

  /**
   * Runs `read` as the one thing under way; one that is overtaken ends in silence.
   * @param {(signal: AbortSignal, isNewest: () => boolean) => Promise<void>} read
   */
  async function alone(read) {
    const mine = new AbortController();
    loading = mine;
    late = new Map();
    try {
      await read(mine.signal, () => loading === mine);
    } catch (error) {
      if (loading !== mine || error.name === 'AbortError') return;
      rest();
      throw error;
    } finally {
      if (loading === mine) {
        loading = null;
        draw();
      }
    }
  }

  function rest() {
    isResting = true;
    setTimeout(() => {
      isResting = false;
      draw();
    }, REST);
  }

  /** Fetches the next page. */
  function more(limit) {
    return alone(async (signal, isNewest) => {
      const page = await pager?.more(limit, { signal });
      if (!page || !isNewest()) return;
      join(cards, known, page.data);
      applyLate();
    });
  }

  /**
   * Puts a card at its place, unless that lies beyond what has been fetched.
   * @param {Card} card
   */
  function place(card) {
    if (loading) late.set(card.id, card);
    let [low, high] = [0, cards.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isBefore(cards[middle], card)) low = middle + 1;
      else high = middle;
    }
    if (low === cards.length && hasMore()) return;
    cards.splice(low, 0, card);
    known.set(card.id, card);
  }

  /**
   * Takes a card out; answers it.
   * @param {string} id
   */
  function take(id) {
    if (loading) late.set(id, null);
    const at = indexOf(id);
    if (at < 0) return null;
    known.delete(id);
    return cards.splice(at, 1)[0];
  }

  return {
    element,
    form,
    scroller,
    status: status.value,
    label: status.label,
    get total() {
      return total;
    },
    set total(n) {
      total = n;
    },
    get first() {
      return cards[0];
    },
    /**
     * Begins anew with other filters or another sort; what is there stays until the answer has come.
     * @param {ReturnType<typeof parameters>} query null: nothing can be here
     * @param {string} sort
     * @param {boolean} keep whether the reader stays at the same place
     */
    load(query, sort, keep) {
      loading?.abort();
      return alone(async (signal, isNewest) => {
        if (total === null) draw();
        const from = query ? pages('/api/tasks', { ...query, status: status.value, sort }) : null;
        const wanted = keep ? Math.min(KEPT, list.reach()) : 1;
        /** @type {Card[]} */
        const fresh = [];
        const ids = new Map();
        let sum = 0;
        while (from?.hasMore && fresh.length < wanted) {
          const page = await from.more(Math.max(FIRST_PAGE, Math.min(MOST, wanted)), { signal });
          sum = page.total ?? sum;
          join(fresh, ids, page.data);
        }
        if (!isNewest()) return;
        [cards, known, pager, total, isBefore] = [fresh, ids, from, sum, order(sort)];
        if (!keep) scroller.scrollTop = 0;
        applyLate();
      });
    },
    inSight: () => cards.slice(...seen).map(({ id }) => id),
    indexOf,
    has: (id) => known.has(id),
    get: (id) => known.get(id),
    place,
    take,
    addToTotal(n) {
      if (total !== null) total = Math.max(0, total + n);
    },
    draw,
    /** The cards look different by now. */
    measureAnew: list.measureAnew,
    /** Moves the focus to a card; answers whether there is one. */
    focus(index) {
      const card = cards[Math.max(0, Math.min(index, cards.length - 1))];
      if (!card) return false;
      stop = card.id;
      list.show(cards.indexOf(card));
      list.element(card.id)?.focus({ preventScroll: true });
      return true;
    },
    /** The tab key stops here from now on. */
    stopAt(id) {
      stop = id;
      setStop();
    },
  };
}
