// delivery-list: the deliveries that a filter lets through, fetched page by page and kept as they are now.
// Must not draw anything.

import { get } from './api.js';
import { merge, newerThan, order } from './delivery-order.js';

export const PAGE = 60;
const NAMED = { include: 'taskTitle' };
const LOOKED_AT = 5_000; // by one request with a text, at most
const A_SCREEN = 40; // rows that fill one

/**
 * A list.
 * @param {() => void} onChange called when there is something else to show
 */
export function deliveryList(onChange) {
  /** @type {{q?: string}} */
  let query = {};
  /** @type {string|null} the cursor of the page that follows; null at the end */
  let next = null;
  /** @type {AbortController|null} of the page under way */
  let asking = null;
  /** @type {AbortController|null} */
  let refreshing = null;
  let hasFailed = false; // the last page did not come: not asked for again before something else has worked
  let mustBegin = false; // the rows are those of another filter, since the first page of this one did not come

  const list = {
    /** @type {Api.Delivery[]} */
    rows: [],
    /**
     * How many there are in all; null where the server does not count (a text is looked for).
     * @type {number|null}
     */
    total: null,
    hasMore: false,
    /** Whether a first answer has come. */
    isKnown: false,
    /** How many were looked at for a text, while that goes on or was stopped; else 0. */
    searched: 0,
    isSearching: false,
    isStopped: false,
    /** Newer ones than those at the top; `PAGE` stands for that many or more. */
    newer: 0,

    /** Begins anew with another filter; what is there stays until an answer has come. */
    async load(wanted) {
      query = wanted;
      refreshing?.abort();
      await fetchOn(true);
    },

    /** The page that follows, unless one is on its way. */
    async more() {
      if (asking || hasFailed || !list.hasMore || list.isStopped) return;
      await fetchOn(false);
    },

    /** Ends a search for a text; `goOn` takes it up again. */
    stop() {
      asking?.abort();
      asking = null;
      list.isSearching = false;
      list.isStopped = true;
      onChange();
    },
    async goOn() {
      await fetchOn(false);
    },

    /**
     * Brings up to date what is in sight.
     * @param {{first: number, last: number, isAtTop: boolean}} sight
     */
    async refresh({ first, last, isAtTop }) {
      if (asking || !(list.isKnown || mustBegin)) return;
      if (mustBegin) return fetchOn(true);
      refreshing?.abort();
      const mine = (refreshing = new AbortController());
      const options = { signal: mine.signal };
      const top = await get('/api/deliveries', { ...query, ...NAMED, limit: PAGE }, options);
      if (mine.signal.aborted) return;
      hasFailed = false;
      list.total = top.total;
      // At the top new rows come in by themselves; else the page would move under the reader.
      if (isAtTop || list.rows.length === 0) takeTop(top);
      else list.newer = newerThan(top.data, list.rows[0].id);
      if (!isAtTop && first < list.rows.length) await takeSight(first, last, mine, options);
      if (!mine.signal.aborted) onChange();
    },

    /**
     * Puts one in its place that is known to be different now.
     * @param {Api.Delivery} row
     */
    replace(row) {
      const at = list.rows.findIndex(({ id }) => id === row.id);
      if (at < 0) return;
      // A reading from before would take it back.
      refreshing?.abort();
      list.rows[at] = row;
      onChange();
    },
    /** @param {string} id */
    indexOf: (id) => list.rows.findIndex((row) => row.id === id),
  };

  /**
   * New rows at the top. Where the page does not reach down to the old ones these are let go: there is a gap.
   * @param {import('./api.js').Answer<'GET /api/deliveries'>} page
   */
  function takeTop(page) {
    const top = list.rows[0];
    const isGap = page.next !== null && (top ? order(page.next, top.id) < 0 : !query.q);
    list.rows = isGap ? page.data : merge(list.rows, page.data, null, page.next);
    if (page.next === null || isGap) setNext(page.next);
    list.newer = 0;
  }

  function forget() {
    Object.assign(list, { rows: [], total: null, newer: 0, isKnown: false });
    setNext(null);
    mustBegin = false;
  }

  async function takeSight(first, last, mine, options) {
    const before = list.rows[first - 1]?.id ?? null;
    const limit = Math.min(1_000, Math.max(1, last - first));
    const page = await get('/api/deliveries', { ...query, ...NAMED, limit, cursor: before }, options);
    if (mine.signal.aborted) return;
    list.rows = merge(list.rows, page.data, before, page.next);
    if (page.next === null) setNext(null);
  }

  function setNext(cursor) {
    next = cursor;
    list.hasMore = cursor !== null;
  }

  /** Fetches; where a text is looked for, until rows enough have come, the end, or `stop`. */
  async function fetchOn(isAnew) {
    asking?.abort();
    refreshing?.abort();
    const mine = (asking = new AbortController());
    let isFirst = isAnew;
    let found = 0;
    if (isAnew) {
      list.searched = 0;
      next = null;
    }
    list.isStopped = hasFailed = false;
    mustBegin = isAnew;
    try {
      do {
        const page = await get('/api/deliveries', { ...query, ...NAMED, limit: PAGE, cursor: next }, { signal: mine.signal });
        if (mine !== asking) return;
        if (isFirst) Object.assign(list, { rows: [], total: page.total, newer: 0, isKnown: true });
        isFirst = mustBegin = false;
        list.rows = merge(list.rows, page.data, next, null);
        setNext(page.next);
        found += page.data.length;
        if (query.q && page.data.length < PAGE && page.next) list.searched += LOOKED_AT;
        list.isSearching = Boolean(query.q) && list.hasMore && found < A_SCREEN;
        onChange();
      } while (list.isSearching);
      list.searched = 0;
    } catch (error) {
      if (mine === asking) {
        list.isSearching = false;
        hasFailed = true;
        // Not a question that has an answer: what is there answers another one.
        if (isFirst && error.status >= 400 && error.status < 500) forget();
      }
      if (error.name !== 'AbortError') throw error;
    } finally {
      if (mine === asking) {
        asking = null;
        onChange();
      }
    }
  }

  return list;
}
