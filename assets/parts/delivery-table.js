// delivery-table: the list of deliveries as rows in sight, with one that the keyboard stands on.
// Must not fetch anything, nor know what a filter is.

import { isCompact } from './density.js';
import { COLUMNS, blankRow, deliveryRow, stampOf } from './delivery-rows.js';
import { around, h, put } from './dom.js';
import { virtualList } from './list.js';
import { even } from './list-places.js';

const WIDE = matchMedia('(min-width: 721px)');
const HEIGHT = { wide: [40, 28], narrow: [64, 48] }; // of a row, and of a compact one; as in styles/4-deliveries.css
const BLANKS = 3; // places held for rows that are on their way
const AHEAD = 40; // rows before the end at which the next page is fetched

/**
 * The table.
 * @param {ReturnType<import('./delivery-list.js').deliveryList>} list
 * @param {{nameOf: (webhookId: string) => string, openId: () => string, onOpen: (id: string) => void,
 *   onEnd: () => void}} options `onEnd`: more rows are wanted
 */
export function deliveryTable(list, { nameOf, openId, onOpen, onEnd }) {
  let current = ''; // the id of the row that the keyboard stands on
  let currentPlace = 0; // where that row was last
  let seen = [0, 0];
  let scroller = null;
  let rows = null;

  const head = h(
    'div',
    { role: 'rowgroup' },
    h(
      'div',
      { class: 'delivery delivery-head', role: 'row', 'aria-rowindex': 1 },
      COLUMNS.map((name) => h('span', { role: 'columnheader' }, name)),
    ),
  );
  const element = h('div', { class: 'card deliveries', role: 'grid', 'aria-label': 'Deliveries', hidden: true });
  element.addEventListener('focusin', ({ target }) => {
    const id = around(target, '.delivery[data-id]')?.dataset.id;
    if (!id || id === current) return;
    current = id;
    // Only marked: a row that is drawn anew between the press and its release would get no click.
    markCurrent();
  });

  const currentIndex = () => Math.max(0, list.indexOf(current));

  /** Rows have one height, which depends on the width of the page and on what its reader wants. */
  function build() {
    scroller = h('div', { class: 'scroller', role: 'rowgroup', tabindex: '-1' });
    put(element, head, scroller);
    rows = virtualList({
      scroller,
      places: even(HEIGHT[WIDE.matches ? 'wide' : 'narrow'][Number(isCompact())]),
      role: 'presentation',
      key: (index) => list.rows[index]?.id ?? `blank-${index}`,
      stamp(index) {
        const row = list.rows[index];
        return row ? stampOf(row, nameOf(row.webhookId), row.id === openId()) : '';
      },
      render(index) {
        const row = list.rows[index];
        if (!row) return blankRow();
        const open = () => {
          current = row.id;
          onOpen(row.id);
        };
        return deliveryRow(row, {
          index,
          name: nameOf(row.webhookId),
          isOpen: row.id === openId(),
          onOpen: open,
        });
      },
      onRange(first, last) {
        seen = [first, last];
        if (last + AHEAD >= list.rows.length && list.hasMore) onEnd();
        markCurrent();
      },
    });
  }

  function draw() {
    const hadFocus = scroller.contains(document.activeElement);
    keepPlace();
    element.setAttribute('aria-rowcount', String(list.total === null ? -1 : list.total + 1));
    rows.update(list.rows.length + (list.hasMore && !list.isStopped ? BLANKS : 0));
    if (hadFocus && !scroller.contains(document.activeElement)) rows.element(current)?.focus({ preventScroll: true });
  }

  /** A row that the filter lets through no more gives its place to the one that follows. */
  function keepPlace() {
    const at = list.indexOf(current);
    if (at >= 0) currentPlace = at;
    else if (current) current = list.rows[Math.min(currentPlace, list.rows.length - 1)]?.id ?? '';
  }

  /** Shows where the keyboard stands; the tab key stops there, else at the first row. */
  function markCurrent() {
    const stop = list.rows[currentIndex()]?.id;
    for (const row of scroller.querySelectorAll('.delivery[data-id]')) {
      row.tabIndex = row.dataset.id === stop ? 0 : -1;
      row.setAttribute('aria-selected', String(row.dataset.id === current));
    }
  }

  function go(index) {
    const row = list.rows[index];
    if (!row) return false;
    current = row.id;
    draw();
    rows.show(index);
    rows.element(row.id)?.focus({ preventScroll: true });
    return true;
  }

  /** The rows look different by now: what was in sight is so again. */
  function rebuild() {
    const top = scroller.scrollTop === 0 ? 0 : seen[0];
    build();
    draw();
    rows.show(Math.min(top, Math.max(0, list.rows.length - 1)));
  }

  build();
  WIDE.addEventListener('change', rebuild);

  return {
    element,
    draw,
    rebuild,
    /** The row that the keyboard stands on, if it can be seen: nothing is done to one that is not. */
    current: () => (rows.element(current) && list.rows[list.indexOf(current)]) ?? null,
    /** Moves the keyboard by some rows; onto the first one, if it is not in the list yet. */
    step(by) {
      const isThere = element.contains(document.activeElement) && list.indexOf(current) >= 0;
      const to = isThere ? currentIndex() + by : currentIndex();
      return go(Math.max(0, Math.min(to, list.rows.length - 1)));
    },
    toTop: () => go(0),
    /** Puts the keyboard onto a row without moving the focus. */
    choose(id) {
      if (list.indexOf(id) < 0) return;
      current = id;
      draw();
      rows.show(list.indexOf(id));
    },
    /** Gives the focus back to the row. */
    focus() {
      if (list.indexOf(current) >= 0) go(list.indexOf(current));
    },
    /** Back to the newest; the keyboard begins there again. */
    scrollToTop() {
      current = '';
      scroller.scrollTop = 0;
    },
    /** What is in sight. */
    sight: () => ({ first: seen[0], last: Math.min(seen[1], list.rows.length), isAtTop: scroller.scrollTop < 10 }),
  };
}
