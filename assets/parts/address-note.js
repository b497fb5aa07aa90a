// address-note: what is said of a page's address: what of it has no meaning there, and what it narrows that has no field.
// Fetched when there is something to say. Must not know what a page shows.

import { h, put } from './dom.js';
import { button } from './form.js';
import { labelOf, quote, STATUSES } from './words.js';

/**
 * What is not known, as the end of a sentence.
 * @param {{unknown: [string, string][]}} here
 */
export const unknownOf = ({ unknown }) =>
  unknown.map(([name, value]) => `${name.slice(0, 40)} ${quote(value.slice(0, 60))}`).join(', ');

/** Draws a line with its button, or takes it away where there is nothing to say. */
function draw(element, said, label, run) {
  element.hidden = !said;
  put(element, said && [h('p', { class: 'grow' }, said), button(label, { class: 'small' }, run)]);
}

/**
 * @param {HTMLElement} element
 * @param {import('./address.js').Address} here
 */
export function drawUnknown(element, here) {
  const said = unknownOf(here);
  const words = said && `The address asks for what is unknown here, so it narrows nothing: ${said}.`;
  draw(element, words, 'Leave it out', here.forget);
}

/**
 * To which states the board is narrowed.
 * @param {HTMLElement} element
 * @param {import('./address.js').Address} here
 */
export function drawOnly(element, here) {
  const states = here.values.status && here.values.status.split(',').map((one) => labelOf(STATUSES, one));
  const words = states && `Only what is ${states.join(' or ')} is shown, as the address asks for.`;
  draw(element, words, 'Show all', () => here.set({ status: '' }, { push: true }));
}
