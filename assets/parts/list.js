// list: shows a long list of rows of one height and keeps only those in sight in the page. Must not know what a row is.

import { h, keepFocus } from './dom.js';

const OVERSCAN = 6;

/**
 * A virtual list in an element that scrolls.
 * @param {{scroller: HTMLElement, rowHeight: number, label?: string, role?: string,
 *   key: (index: number) => string, stamp: (index: number) => string, render: (index: number) => HTMLElement,
 *   onRange?: (first: number, last: number) => void}} options
 *   `key` names a row for ever; `stamp` says whether it looks the same as before; `render` draws it; `onRange` is told
 *   which rows are in sight, so that more can be fetched
 */
export function virtualList({ scroller, rowHeight, label, role = 'list', key, stamp, render, onRange }) {
  let count = 0;
  let drawn = new Map(); // key → {element, stamp}
  const space = h('div', { class: 'virtual', role, 'aria-label': label });
  scroller.append(space);

  function range() {
    const first = Math.max(0, Math.floor(scroller.scrollTop / rowHeight) - OVERSCAN);
    const last = Math.min(count, Math.ceil((scroller.scrollTop + scroller.clientHeight) / rowHeight) + OVERSCAN);
    return [first, last];
  }

  function draw() {
    const [first, last] = range();
    const next = new Map();
    keepFocus(() => {
      for (let index = first; index < last; index += 1) {
        const name = key(index);
        const mark = stamp(index);
        let row = drawn.get(name);
        if (row?.stamp !== mark) {
          const element = render(index);
          element.dataset.key = name;
          element.classList.add('virtual-row');
          if (row) row.element.replaceWith(element);
          row = { element, stamp: mark };
        }
        row.element.style.setProperty('transform', `translateY(${index * rowHeight}px)`);
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
      drawn = next;
    });
    onRange?.(first, last);
  }

  let frame = null;
  const soon = () => {
    frame ??= requestAnimationFrame(() => {
      frame = null;
      draw();
    });
  };
  scroller.addEventListener('scroll', soon, { passive: true });
  new ResizeObserver(soon).observe(scroller);

  return {
    /** Draws again what has changed; `n` = how many rows there are now. */
    update(n) {
      count = n;
      space.style.setProperty('height', `${n * rowHeight}px`);
      draw();
    },
    /** Brings a row into sight. */
    show(index) {
      const top = index * rowHeight;
      if (top < scroller.scrollTop) scroller.scrollTop = top;
      else if (top + rowHeight > scroller.scrollTop + scroller.clientHeight) {
        scroller.scrollTop = top + rowHeight - scroller.clientHeight;
      }
      draw();
    },
    /** The element of a row that is in sight. */
    element: (name) => drawn.get(name)?.element ?? null,
  };
}
