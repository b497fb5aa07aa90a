// dialog: what opens over a page: a box in the middle, or a panel at the side. The browser keeps the focus within
// and gives it back. Must not know what is in it.

import { find, focused, h } from './dom.js';
import { icon } from './icons.js';

/**
 * Opens one; it goes away when it is closed (Escape, the cross, a click beside it, or `close()`).
 * @param {{title: string, side?: boolean, wide?: boolean, body: any, foot?: any, onClose?: () => void, mayClose?: () => boolean}} options
 *   `mayClose` may ask the reader first (something not saved)
 * @returns {{element: HTMLDialogElement, heading: HTMLElement, close: () => void}}
 */
export function open({ title, side = false, wide = false, body, foot, onClose, mayClose = () => true }) {
  const close = () => element.close();
  const ask = () => mayClose() && close();
  const content = h('div', { class: 'dialog-body' }, body);
  const heading = h('h2', {}, title);
  const element = h(
    'dialog',
    { class: [side ? 'panel' : 'box', wide && 'wide'], 'aria-label': title },
    h(
      'div',
      { class: 'dialog-head' },
      heading,
      h('button', { type: 'button', class: 'plain square', 'aria-label': 'Close', on: { click: ask } }, icon('close')),
    ),
    content,
    foot && h('div', { class: 'dialog-foot' }, foot),
  );
  element.addEventListener('cancel', (event) => {
    event.preventDefault();
    ask();
  });
  // A press that began beside the dialog; one that began inside and was dragged out is none.
  element.addEventListener('mousedown', (event) => event.target === element && isBeside(element, event) && ask());
  element.addEventListener('close', () => {
    bringToasts();
    element.remove();
    placeCaret();
    onClose?.();
  });
  const placeCaret = caretNow();
  // What can only be read can be scrolled with the keys, too.
  if (!content.querySelector('a[href], button, input, select, textarea, summary')) content.tabIndex = 0;
  document.body.append(element);
  element.showModal();
  bringToasts();
  return { element, heading, close };
}

/** Chrome gives the focus back to a field without a place in its text: what is typed then goes nowhere. */
function caretNow() {
  const field = focused();
  const { selectionStart: from, selectionEnd: to } = field ?? {};
  return () => typeof from === 'number' && document.activeElement === field && field.setSelectionRange(from, to);
}

/** What is said on a page must not lie behind what is open over it, where nobody can press it. */
function bringToasts() {
  const top = [...document.querySelectorAll('dialog[open]')].at(-1) ?? document.body;
  const toasts = find('#toasts');
  if (toasts && toasts.parentNode !== top) top.append(toasts);
}

function isBeside(element, event) {
  const box = element.getBoundingClientRect();
  return event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
}

/**
 * Asks before something that cannot be taken back.
 * @param {{title: string, text: string, yes: string, no?: string, tone?: string}} question
 * @returns {Promise<boolean>}
 */
export function confirm({ title, text, yes, no = 'Keep it as it is', tone = 'danger' }) {
  return new Promise((answer) => {
    let said = false;
    const decide = (value) => () => {
      said = value;
      box.close();
    };
    const box = open({
      title,
      body: h('p', {}, text),
      foot: [
        h('button', { type: 'button', on: { click: decide(false) } }, no),
        h('button', { type: 'button', class: tone, on: { click: decide(true) } }, yes),
      ],
      onClose: () => answer(said),
    });
  });
}
