// toast: a line at the edge of the page that says what was done, with a way back where there is one.
// Must not hold anything that a person needs: it goes away.

import { find, h } from './dom.js';
import { icon } from './icons.js';

/**
 * Shows a line.
 * @param {string} text
 * @param {{tone?: 'plain'|'good'|'bad'|'counts', ms?: number, left?: number, action?: string,
 *   onAction?: () => void}} [options] `ms` = 0 stays until it is closed; `left`: milliseconds for the
 *   action, shown as they run out
 * @returns {() => void} takes it away
 */
export function toast(text, { tone = 'plain', ms = 5_000, left = 0, action, onAction } = {}) {
  const clock = left > 0 ? countdown(left) : null;
  const close = () => {
    clock?.stop();
    line.remove();
  };
  const line = h(
    'div',
    { class: ['toast', tone] },
    h('span', {}, text),
    clock?.element,
    action && h('button', { type: 'button', class: 'plain strong', on: { click: () => (close(), onAction?.()) } }, action),
    h('button', { type: 'button', class: 'plain square', 'aria-label': 'Close', on: { click: close } }, icon('close')),
  );
  find('#toasts').append(line);
  if (ms > 0) setTimeout(close, ms);
  return close;
}

/** The seconds that are left; only seen, since a reader of the screen would say every one. */
function countdown(ms) {
  const end = Date.now() + ms;
  const element = h('span', { class: 'soft left', 'aria-hidden': 'true' });
  const show = () => (element.textContent = `${Math.max(0, Math.ceil((end - Date.now()) / 1_000))} s`);
  show();
  const timer = setInterval(show, 250);
  return { element, stop: () => clearInterval(timer) };
}

/**
 * Says what went wrong, in the server's own sentence.
 * @param {any} error
 * @param {string} [before] a sentence that comes first
 */
export function sayError(error, before = '') {
  if (error.name === 'AbortError') return;
  if (error.status === undefined) console.error(error);
  const what = error.status === undefined ? 'The page met a fault of its own; load it again.' : error.message;
  toast([before, what].filter(Boolean).join(' '), { tone: 'bad', ms: 12_000 });
}
