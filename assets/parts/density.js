// density: how close together the rows of a page stand, as its reader wants it; the browser remembers it for each page.
// Must not know the rows.

import { h } from './dom.js';
import { icon } from './icons.js';
import { addKeys } from './keys.js';

/** Whether they stand close; the style sheet goes by the same class. */
export const isCompact = () => document.body.classList.contains('is-compact');

/**
 * The switch.
 * @param {string} page its name
 * @param {() => void} [onChange]
 */
export function density(page, onChange) {
  const place = `btk.compact.${page}`;
  const press = h(
    'button',
    {
      type: 'button',
      class: 'square',
      'aria-label': 'Compact list',
      title: 'Compact list (v)',
      on: { click: () => turn() },
    },
    icon('rows'),
  );

  function show(is) {
    document.body.classList.toggle('is-compact', is);
    press.setAttribute('aria-pressed', is);
  }

  function turn() {
    show(!isCompact());
    keep(place, isCompact());
    onChange?.();
  }

  show(kept(place));
  addKeys([{ keys: ['v'], label: 'Compact list, and back', group: 'Everywhere', run: turn }]);
  return press;
}

// A browser may be told to keep nothing: then it is for this visit.
function kept(place) {
  try {
    return localStorage.getItem(place) === 'yes';
  } catch {
    return false;
  }
}

function keep(place, is) {
  try {
    localStorage.setItem(place, is ? 'yes' : 'no');
  } catch {
    // For this visit, then.
  }
}
