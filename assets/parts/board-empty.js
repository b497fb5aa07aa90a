// board-empty: what is said where there is no task to show. Must not decide whether that is so.

import { h, put } from './dom.js';
import { icon } from './icons.js';

/**
 * @param {{add: () => void, clear: () => void}} ways what can be done next
 * @returns {{element: HTMLElement, show: (why: 'none'|'filtered'|null) => void}}
 */
export function boardEmpty({ add, clear }) {
  const element = h('div', { class: 'card empty', hidden: true, data: { test: 'empty' } });
  const said = {
    none: () => [
      h('h2', {}, 'No tasks yet'),
      h(
        'p',
        {},
        'Add the first task, or let Make send one. Each change goes out as a webhook, and its card shows whether it ' +
          'has arrived.',
      ),
      h(
        'div',
        { class: 'row' },
        h('button', { type: 'button', class: 'first', on: { click: add } }, icon('plus'), 'New task'),
        h('a', { class: 'button', href: '/setup' }, 'Set up Make'),
      ),
    ],
    filtered: () => [
      h('h2', {}, 'No task matches'),
      h('p', {}, 'Change the search or the filters, or take them away.'),
      h('button', { type: 'button', on: { click: clear } }, 'Clear filters'),
    ],
  };
  let shown = null;
  return {
    element,
    show(why) {
      if (why === shown) return;
      shown = why;
      element.hidden = !why;
      put(element, why && said[why]());
    },
  };
}
