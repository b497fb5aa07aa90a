// webhook-menu: a button that opens a short list of further actions. Must not know what they do.

import { focused, h } from './dom.js';
import { icon } from './icons.js';

const EDGE = 8; // pixels that stay free at the edge of the window
let last = 0;

/**
 * A menu.
 * @param {string} label what it is for, to those who cannot see where it stands
 * @param {{label: string, icon: string, tone?: string, run: () => void}[]} entries
 */
export function menu(label, entries) {
  last += 1;
  const id = `menu-${last}`;
  const items = entries.map((entry) =>
    h(
      'button',
      {
        type: 'button',
        role: 'menuitem',
        tabindex: '-1',
        class: ['plain', entry.tone],
        on: { click: () => choose(entry) },
      },
      icon(entry.icon),
      entry.label,
    ),
  );
  const list = h('div', { id, class: 'menu', role: 'menu', 'aria-label': label, popover: 'auto' }, items);
  const press = h(
    'button',
    { type: 'button', 'aria-haspopup': 'menu', 'aria-expanded': 'false', 'aria-label': label, popovertarget: id },
    'More',
    icon('down'),
  );
  const follow = () => place(list, press);

  function choose(entry) {
    list.hidePopover();
    // The button first: what opens gives the focus back to it.
    press.focus();
    entry.run();
  }

  list.addEventListener('toggle', (event) => {
    const isOpen = event.newState === 'open';
    press.setAttribute('aria-expanded', String(isOpen));
    // What it hangs on moves away below it.
    if (!isOpen) return removeEventListener('scroll', follow, true);
    addEventListener('scroll', follow, true);
    follow();
    items[0].focus();
  });
  list.addEventListener('keydown', (event) => {
    const at = items.indexOf(focused());
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (event.key === 'Tab') list.hidePopover();
    // Keys of the page do not act while the menu is open.
    event.stopPropagation();
    if (to === undefined) return;
    event.preventDefault();
    items.at(to % items.length)?.focus();
  });
  return h('div', { class: 'menu-holder' }, press, list);
}

/** Below the button, its right edge on that of the button; above where there is no room. */
function place(list, press) {
  const at = press.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = list;
  const isBelow = at.bottom + 4 + height < innerHeight - EDGE;
  list.style.setProperty('left', `${Math.max(EDGE, at.right - width)}px`);
  list.style.setProperty('top', `${isBelow ? at.bottom + 4 : Math.max(EDGE, at.top - height - 4)}px`);
}
