// board-state: keeps the columns true to the server's log of events, whatever was moved here in the meantime.
// Must not draw a card or ask the reader anything.

import { get } from './api.js';
import { keepFocus } from './dom.js';
import { cardOf, fits, parameters } from './task-rules.js';

/** Changes that are taken over one by one; beyond, everything is fetched anew. */
const MOST = 500;
/** Quiet for so long, the totals are counted again if they may be off: milliseconds. */
const QUIET = 2_000;

/** @typedef {import('./board-column.js').Column} Column */
/** @typedef {import('./task-rules.js').Card} Card */
/** @typedef {import('./task-rules.js').Filters} Filters */
/** @typedef {ReturnType<typeof boardState>} State */

/**
 * @param {{columns: Column[], values: () => Filters & {sort: string}, onEvents: (events: Api.TaskEvent[]) => void,
 *   isWaiting: (id: string) => boolean, onGone: (id: string) => void}} options `values`: the filters and the sort;
 *   `onEvents` is told of what has happened, the oldest first; `isWaiting`: a task may still come back from its
 *   deletion; `onGone`: a task that was taken off the board is deleted
 */
export function boardState({ columns, values, onEvents, isWaiting, onGone }) {
  /** @type {string|null} the id of the last event that is shown */
  let newest = null;
  let turn = 0; // grows with each load; what comes from before one is dropped
  /** @type {Promise<void>|null} the load under way */
  let loading = null;
  let isLoaded = false;
  let recount = 0; // the timer of counting again
  /** @type {Map<string, string|null>} by task, of those that have changed: the column in whose total it is */
  const counted = new Map();
  /** @type {Map<string, Api.TaskEvent|null>} by task: the newest event while a change of ours is under way */
  const held = new Map();
  /** @type {Map<string, {card: Card, isIn: boolean}>} by task: taken off the board here, as it would be if it came back */
  const away = new Map();

  /** @param {string|null|undefined} status */
  const columnOf = (status) => columns.find((column) => column.status === status);
  const holding = (id) => columns.find((column) => column.has(id));
  /** @param {Omit<Api.Task, 'attachments'>|null|undefined} task */
  const statusIn = (task) => (task && fits(task, values()) ? task.status : null);
  const drawAll = () => keepFocus(() => columns.forEach((column) => column.draw()));

  /**
   * Counts a task into the column that has it now and out of the one that had it: `before`, if nobody knows better.
   * @param {string} id
   * @param {string|null} to
   * @param {string|null} before
   */
  function move(id, to, before) {
    const from = counted.has(id) ? counted.get(id) : (holding(id)?.status ?? before);
    if (from !== to) {
      columnOf(from)?.addToTotal(-1);
      columnOf(to)?.addToTotal(1);
    }
    counted.set(id, to);
    holding(id)?.take(id);
  }

  /**
   * Puts a card where it belongs now; `to` null takes it away.
   * @param {Card} card
   * @param {string|null} to
   * @param {string|null} [before]
   */
  function settle(card, to, before = null) {
    move(card.id, to, before);
    if (to) columnOf(to)?.place(card);
  }

  /** @param {Api.TaskEvent} event */
  function apply(event) {
    const { task, previous } = event;
    const isGone = event.event === 'task_deleted';
    if (held.has(task.id)) {
      held.set(task.id, event);
      return;
    }
    if (away.has(task.id) && event.event !== 'task_created' && !isGone) {
      away.set(task.id, { card: cardOf(task), isIn: statusIn(task) !== null });
      return;
    }
    if (away.delete(task.id) && isGone) onGone(task.id);
    // What we did ourselves may be newer than what is told of here.
    if (!isGone && (holding(task.id)?.get(task.id)?.updatedAt ?? '') > task.updatedAt) return;
    settle(cardOf(task), isGone ? null : statusIn(task), statusIn(isGone ? task : previous));
  }

  async function loadAll(keep) {
    const mine = (turn += 1);
    isLoaded = false;
    // The log first: what happens while the columns are on their way is then taken over afterwards.
    const log = await get('/api/events', { limit: 1 });
    if (mine !== turn) return;
    counted.clear();
    const now = values();
    await Promise.all(columns.map((column) => column.load(parameters(now, column.status), now.sort, keep)));
    if (mine !== turn) return;
    newest = log.data[0]?.id ?? null;
    isLoaded = true;
    for (const id of away.keys()) leaveOut(id);
    drawAll();
  }

  /** The server still counts what waits here for its deletion, and no longer what was deleted. */
  function leaveOut(id) {
    const card = away.get(id)?.card;
    if (!card) return;
    const isIn = statusIn({ ...card, description: null }) !== null;
    if (!isWaiting(id)) away.delete(id);
    else {
      away.set(id, { card, isIn });
      move(id, null, isIn ? card.status : null);
    }
  }

  function load(keep) {
    const mine = loadAll(keep).finally(() => {
      if (loading === mine) loading = null;
    });
    loading = mine;
    return mine;
  }

  // An event that was committed while the columns were read may stand in their totals already, and nobody can tell.
  function countAgainLater() {
    clearTimeout(recount);
    recount = setTimeout(async () => {
      const [mine, at, now] = [turn, newest, values()];
      const ask = (column) => {
        const query = parameters(now, column.status);
        return query && get('/api/tasks', { ...query, status: column.status, limit: 1 });
      };
      const pages = await Promise.all(columns.map(ask)).catch(() => null);
      if (!pages || mine !== turn || at !== newest || held.size > 0) return;
      const waiting = (status) => [...away.values()].filter(({ card, isIn }) => isIn && card.status === status).length;
      columns.forEach((column, n) => (column.total = (pages[n]?.total ?? 0) - waiting(column.status)));
      drawAll();
    }, QUIET);
  }

  return {
    load,
    draw: drawAll,
    /** The card of a task that is on the board. */
    cardOf: (id) => holding(id)?.get(id) ?? null,
    isHidden: (id) => away.has(id),
    /** Takes over what has happened since, or begins. */
    async follow() {
      if (loading) return loading;
      if (!isLoaded) return load(true);
      const mine = turn;
      let page = null;
      try {
        page = await get('/api/events', { since: newest, limit: MOST });
      } catch (error) {
        if (error.status !== 404) throw error;
      }
      if (mine !== turn) return undefined;
      // Too much has happened, or too long ago to be kept.
      if (!page || page.next) return load(true);
      if (page.data.length === 0) return undefined;
      newest = page.data[0].id;
      const events = page.data.reverse();
      events.forEach(apply);
      drawAll();
      onEvents(events);
      countAgainLater();
      return undefined;
    },
    /**
     * Shows a task as an answer tells it; `before`: as it was, for one that may not have been on the board.
     * @param {Api.Task} task
     * @param {Api.Task|null} [before]
     */
    show(task, before = null) {
      if (away.has(task.id)) return false;
      const to = statusIn(task);
      settle(cardOf(task), to, statusIn(before));
      drawAll();
      return to !== null;
    },
    /**
     * Takes a task off the board in advance of its deletion; answers its card.
     * @param {string} id
     * @param {Api.Task} [task]
     */
    hide(id, task) {
      const card = holding(id)?.get(id) ?? (task && cardOf(task));
      if (!card || away.has(id)) return null;
      const isIn = Boolean(holding(id)) || statusIn(task) !== null;
      move(id, null, isIn ? card.status : null);
      away.set(id, { card, isIn });
      drawAll();
      return card;
    },
    /** Brings one back that was taken off, as it is by now. */
    bringBack(id) {
      const entry = away.get(id);
      if (!entry) return;
      away.delete(id);
      settle(entry.card, entry.isIn ? entry.card.status : null);
      drawAll();
    },
    /**
     * Moves a card in advance; what others do to it meanwhile waits until `end`. Answers the card as it was, or null.
     * @param {string} id
     * @param {Api.Status} status
     */
    begin(id, status) {
      if (!held.has(id)) held.set(id, null);
      const card = holding(id)?.get(id);
      // The filters do not show it: then only the server moves it.
      if (!card) return null;
      const target = columnOf(status);
      // By the last change it belongs at the top, whatever the clock here says.
      const updatedAt = [new Date().toISOString(), target?.first?.updatedAt ?? ''].sort()[1];
      settle({ ...card, status, updatedAt }, status);
      drawAll();
      return card;
    },
    /**
     * The answer has come: the task as it is; null: nothing came of it, and the card goes back.
     * @param {string} id
     * @param {Api.Task|null} task
     * @param {Card|null} card as it was
     */
    end(id, task, card) {
      const event = held.get(id);
      held.delete(id);
      if (away.has(id)) return;
      if (task) settle(cardOf(task), statusIn(task));
      else if (card) settle(card, card.status);
      if (event && (event.event === 'task_deleted' || event.task.updatedAt >= (task?.updatedAt ?? ''))) apply(event);
      drawAll();
    },
  };
}
