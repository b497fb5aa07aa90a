// board-tabs: on a narrow screen, where one column is seen at a time: which one, and a way to the others.
// Must not know what is in a column.

import { h } from './dom.js';
import { count } from './words.js';

/** @typedef {import('./board-column.js').Column} Column */

/**
 * @param {HTMLElement} board it scrolls sideways
 * @param {Column[]} columns
 */
export function boardTabs(board, columns) {
  const tabs = columns.map((column) => {
    const number = h('span', { class: 'soft' });
    const tab = h(
      'button',
      { type: 'button', class: 'plain', on: { click: () => show(column, 'smooth') } },
      h('span', {}, column.label),
      number,
    );
    return { column, tab, number };
  });
  const element = h(
    'div',
    { class: 'column-tabs', role: 'group', 'aria-label': 'Columns' },
    tabs.map(({ tab }) => tab),
  );

  /**
   * @param {Column} column
   * @param {ScrollBehavior} [behavior]
   */
  function show(column, behavior = 'instant') {
    const isCalm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    const left = column.element.offsetLeft - columns[0].element.offsetLeft;
    board.scrollTo({ left, behavior: isCalm ? 'instant' : behavior });
  }

  const place = () => Math.round(board.scrollLeft / (board.scrollWidth / columns.length)) || 0;

  function mark() {
    const at = place();
    tabs.forEach(({ tab }, index) => tab.setAttribute('aria-pressed', String(index === at)));
  }

  let frame = null;
  board.addEventListener(
    'scroll',
    () => {
      frame ??= requestAnimationFrame(() => {
        frame = null;
        mark();
      });
    },
    { passive: true },
  );

  return {
    element,
    /** The column in sight; where all are, the first. */
    get current() {
      return columns[place()];
    },
    show,
    draw() {
      for (const { column, number } of tabs) number.textContent = count(column.total);
      mark();
    },
  };
}
