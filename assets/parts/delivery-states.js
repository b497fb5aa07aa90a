// delivery-states: what stands where the list of deliveries has nothing, or is still looking. Must not fetch anything.

import { h, put } from './dom.js';
import { button } from './form.js';
import { count } from './words.js';

/**
 * Says why there is nothing, and what to do.
 * @param {HTMLElement} place
 * @param {{isFiltered: boolean, webhooks: Api.Webhook[]|null, onClear: () => void}} found
 */
export function emptyState(place, { isFiltered, webhooks, onClear }) {
  const kind = isFiltered ? 'filtered' : webhooks === null ? '' : webhooks.length === 0 ? 'no webhook' : 'no change';
  if (place.dataset.kind === kind) return;
  place.dataset.kind = kind;
  put(place, SAYS[kind]?.(onClear));
}

const SAYS = {
  filtered: (onClear) => [
    h('h2', {}, 'No delivery is like this'),
    h('p', {}, 'Take a filter away, or look at all of them.'),
    button('Clear the filters', {}, onClear),
  ],
  'no webhook': () => [
    h('h2', {}, 'Nothing has been sent yet'),
    h('p', {}, 'No webhook is set up, so there is nowhere to send a change to.'),
    h('a', { class: 'button', href: '/setup' }, 'Set up Make'),
    h('p', {}, 'For another receiver ', h('a', { href: '/webhooks' }, 'add a webhook'), '.'),
  ],
  'no change': () => [
    h('h2', {}, 'Nothing has been sent yet'),
    h('p', {}, 'Make a change: create a task on the board. Its delivery is shown here as it goes out.'),
    h('a', { class: 'button', href: '/' }, 'To the board'),
  ],
};

/**
 * The quiet line over a list in which a text is looked for.
 * @param {HTMLElement} place
 * @param {{searched: number, isSearching: boolean, isStopped: boolean}} list
 * @param {{onStop: () => void, onGo: () => void}} actions
 */
export function searchLine(place, { searched, isSearching, isStopped }, { onStop, onGo }) {
  const isShown = isStopped || (isSearching && searched > 0);
  const kind = isShown ? (isStopped ? 'stopped' : 'searching') : '';
  if (place.dataset.kind !== kind) {
    place.dataset.kind = kind;
    const press = isStopped ? button('Go on', { class: 'small' }, onGo) : button('Stop', { class: 'small' }, onStop);
    // While it looks the number changes often: it is not read out each time.
    const words = h('span', { class: 'soft', 'aria-live': isStopped ? 'polite' : 'off' });
    put(place, isShown && [words, press]);
  }
  if (!isShown) return;
  const words = isStopped ? `Stopped after ${count(searched)}.` : `Searched ${count(searched)} so far…`;
  put(place.firstElementChild ?? place, words);
}
