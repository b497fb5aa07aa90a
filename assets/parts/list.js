// list: shows a long list of rows and keeps only those in sight in the page. Must not know what a row is.

import { h, keepFocus } from './dom.js';

const OVERSCAN = 6;
const ROUNDS = 4; // of finding out how high rows are: those that come into sight by it may be of another height, too

/**
 * A virtual list in an element that scrolls.
 * @param {{scroller: HTMLElement, places: import('./list-places.js').Places, label?: string, role?: string,
 *   key: (index: number) => string, stamp: (index: number) => string, render: (index: number) => HTMLElement,
 *   indexOf?: (name: string) => number, onRange?: (first: number, last: number) => void}} options
 *   `places` says where a row begins; `key` names a row for ever; `stamp` says whether it looks the same as before;
 *   `render` draws it; `indexOf` says where a row is by now, so that what is being read stays where it is when others
 *   come in above; `onRange` is told which rows are in sight, so that more can be fetched
 */
export function virtualList({ scroller, places, label, role = 'list', key, stamp, render, indexOf, onRange }) {
  let count = 0;
  /** @type {Map<string, {element: HTMLElement, stamp: string, isMeasured: boolean}>} by name */
  let drawn = new Map();
  let start = 0; // the place of the first of them
  /** @type {{name: string, top: number}[]} the rows in view as they were drawn last, with where each began */
  let inView = [];
  const space = h('div', { class: 'virtual', role, 'aria-label': label });
  scroller.append(space);

  /** @returns {[first: number, last: number]} */
  function range(more = OVERSCAN) {
    const first = Math.max(0, places.at(scroller.scrollTop) - more);
    const last = Math.min(count, places.at(scroller.scrollTop + scroller.clientHeight) + 1 + more);
    return [Math.min(first, last), last];
  }

  /** Sees to it that the rows of a range are in the page. */
  function fill([first, last]) {
    const next = new Map();
    for (let index = first; index < last; index += 1) {
      const name = key(index);
      const mark = stamp(index);
      let row = drawn.get(name);
      if (row?.stamp !== mark) {
        const element = render(index);
        element.dataset.key = name;
        element.classList.add('virtual-row');
        if (row) row.element.replaceWith(element);
        row = { element, stamp: mark, isMeasured: false };
      }
      next.set(name, row);
    }
    for (const [name, row] of drawn) if (!next.has(name)) row.element.remove();
    // In the order of the list, for the reader and for the tab key.
    let before = null;
    for (const { element } of next.values()) {
      const place = before ? before.nextSibling : space.firstChild;
      if (place !== element) space.insertBefore(element, place);
      before = element;
    }
    [drawn, start] = [next, first];
  }

  /** Learns how high the rows are that nobody has measured; answers whether others are in sight by that. */
  function measure() {
    // Where the list is hidden, nothing has a height.
    if (scroller.clientHeight === 0) return false;
    const rows = [...drawn.values()].map((row, n) => ({ index: start + n, row })).filter(({ row }) => !row.isMeasured);
    for (const { row } of rows) row.isMeasured = true;
    return hold(() => places.learn(rows.map(({ index, row }) => ({ index, height: row.element.offsetHeight }))));
  }

  /**
   * Runs what changes where rows begin, by their height alone: the row at the top of the view stays there.
   * @param {() => boolean} change answers whether it has changed anything
   */
  function hold(change) {
    const first = places.at(scroller.scrollTop);
    const within = scroller.scrollTop - places.top(first);
    if (!change()) return false;
    size();
    const top = places.top(first) + within;
    if (Math.round(top) !== Math.round(scroller.scrollTop)) scroller.scrollTop = top;
    return true;
  }

  const size = () => space.style.setProperty('height', `${places.top(count)}px`);

  function draw() {
    keepFocus(() => {
      fill(range());
      for (let round = 0; round < ROUNDS && measure(); round += 1) fill(range());
      let index = start;
      for (const { element } of drawn.values()) {
        element.style.setProperty('transform', `translateY(${places.top(index)}px)`);
        index += 1;
      }
    });
    const [from, to] = range(0);
    const names = [...drawn.keys()];
    inView = names.slice(from - start, to - start).map((name, n) => ({ name, top: places.top(from + n) }));
    onRange?.(start, start + drawn.size);
  }

  /** Others came in above or went: what most rows in view have moved by, the view moves too. At the top it does not. */
  function stay() {
    if (!indexOf || scroller.scrollTop < places.top(1) / 2) return;
    const shifts = inView
      .map(({ name, top }) => ({ index: indexOf(name), top }))
      .filter(({ index }) => index >= 0)
      .map(({ index, top }) => places.top(index) - top)
      .sort((a, b) => a - b);
    const shift = shifts[Math.floor(shifts.length / 2)] ?? 0;
    if (shift !== 0) scroller.scrollTop += shift;
  }

  let frame = null;
  const soon = () => {
    frame ??= requestAnimationFrame(() => {
      frame = null;
      draw();
    });
  };
  scroller.addEventListener('scroll', soon, { passive: true });
  let width = 0;
  new ResizeObserver(() => {
    // In another width rows have other heights.
    if (width !== scroller.clientWidth) list.measureAnew();
    else soon();
    width = scroller.clientWidth;
  }).observe(scroller);

  const list = {
    /** Draws again what has changed; `n` = how many rows there are now. */
    update(n) {
      count = n;
      places.arrange();
      size();
      stay();
      draw();
    },
    /** The rows are higher or lower by now though they say the same. */
    measureAnew() {
      for (const row of drawn.values()) row.isMeasured = false;
      hold(() => (places.forget(), true));
      draw();
    },
    /** Brings a row into sight. */
    show(index) {
      // Twice: a row that comes into sight may be higher than was thought.
      for (let round = 0; round < 2; round += 1) {
        const [top, bottom] = [places.top(index), places.top(index + 1)];
        if (top < scroller.scrollTop) scroller.scrollTop = top;
        else if (bottom > scroller.scrollTop + scroller.clientHeight) scroller.scrollTop = bottom - scroller.clientHeight;
        draw();
      }
    },
    /** How many rows there are down to the end of what is in sight. */
    reach: () => places.at(scroller.scrollTop + scroller.clientHeight) + 1,
    /** The element of a row that is in sight. */
    element: (name) => drawn.get(name)?.element ?? null,
  };
  return list;
}
