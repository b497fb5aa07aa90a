// keys: what the keyboard does on a page, in one list that the help shows. Must not know what is done.

import { around } from './dom.js';

/**
 * `keys` is one key or a pair (`g d`), by its name in `KeyboardEvent.key`, with `Shift+` where that is meant beyond the
 * letter itself, and `Control+` for that key or the command key. `run` may answer false: the browser then does what it
 * would have done.
 * @typedef {{keys: string[], label: string, group: string, run?: (event: KeyboardEvent) => any}} Binding
 */

/** @type {Binding[]} */
const bindings = [];
/** @type {string|null} the first key of a pair, such as `g` of `g d` */
let first = null;
let firstTimer = 0;

const TYPED = 'input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]';

/**
 * Adds keys.
 * @param {Binding[]} added
 */
export function addKeys(added) {
  bindings.push(...added);
}

/** All keys, for the help. */
export const allKeys = () => bindings;

/** @param {KeyboardEvent} event */
function nameOf(event) {
  const isLetter = event.key.length === 1;
  if (event.ctrlKey || event.metaKey) return `Control+${event.key.toLowerCase()}`;
  return event.shiftKey && !isLetter ? `Shift+${event.key}` : event.key;
}

document.addEventListener('keydown', (event) => {
  if (event.defaultPrevented || event.altKey || event.isComposing) return;
  // A dialog has its own keys; there the page behind it must not move.
  if (document.querySelector('dialog[open]')) return;
  const field = around(event.target, TYPED);
  if (field) {
    // Out of a choice, so that the keys are heard again.
    if (event.key === 'Escape' && field.matches('select')) field.blur();
    return;
  }
  const name = nameOf(event);
  const wanted = first ? `${first} ${name}` : name;
  first = null;
  const binding = bindings.find(({ keys, run }) => run && keys.includes(wanted));
  if (binding) {
    if (binding.run?.(event) !== false) event.preventDefault();
  } else if (bindings.some(({ keys }) => keys.some((key) => key.startsWith(`${name} `)))) {
    first = name;
    clearTimeout(firstTimer);
    firstTimer = setTimeout(() => (first = null), 1_000);
  }
});
