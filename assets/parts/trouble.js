// trouble: what could not be read for a page, in the server's own words, with a way to try again; and what of its
// address has no meaning.
// Must not know what a page reads.

import { h, put } from './dom.js';
import { button } from './form.js';

/**
 * The place where a page says it.
 * @param {{again: () => any, isThere: () => boolean}} options `isThere`: the page shows something already
 */
export function troubleBox({ again, isThere }) {
  const element = h('div', { class: 'note bad row', role: 'alert', hidden: true });
  return {
    element,
    /**
     * Says what went wrong. What is on the page stays, and a connection that is gone is said at the top of every page.
     * @param {any} error
     * @param {boolean} [isAlways] what is shown is not what was asked for, so it must be said here too
     */
    say(error, isAlways = false) {
      if (error.name === 'AbortError' || (error.status === 0 && isThere() && !isAlways)) return;
      // Signed out while a form is open over the page: it says so itself when it is saved.
      if (error.status === 401) return;
      if (error.status === undefined) console.error(error);
      const text = error.status === undefined ? 'The page met a fault of its own; load it again.' : error.message;
      put(element, h('p', { class: 'grow' }, text), button('Try again', {}, again));
      element.hidden = false;
    },
    clear() {
      element.hidden = true;
    },
  };
}

/**
 * The line for that (address-note.js); `show` draws it anew after each change of the address.
 * @param {import('./address.js').Address} here
 */
export function addressNote(here) {
  const element = h('div', { class: 'note warn row', role: 'status', hidden: true, data: { test: 'unknown' } });
  const show = async () => {
    if (here.unknown.length > 0 || !element.hidden) (await import('./address-note.js')).drawUnknown(element, here);
  };
  show();
  return Object.assign(element, { show });
}
