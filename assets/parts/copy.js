// copy: a button that puts a text on the clipboard and says so. Must not know the text's meaning.

import { h, put } from './dom.js';
import { icon } from './icons.js';
import { toast } from './toast.js';

/** Copies; where the browser gives no clipboard (plain http beyond this machine), by a selection. */
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = h('textarea', { class: 'off-screen', value: text, readOnly: true });
  // Within the open dialog, if there is one: outside of it nothing can be selected.
  (document.querySelector('dialog[open]') ?? document.body).append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  if (!done) throw new Error('no clipboard');
}

/**
 * A copy button.
 * @param {string | (() => string | Promise<string>)} text
 * @param {string} [label]
 */
export function copyButton(text, label = 'Copy', props = {}) {
  const content = [icon('copy'), label];
  const element = h('button', { type: 'button', ...props }, content);
  element.addEventListener('click', async () => {
    try {
      await copy(typeof text === 'function' ? await text() : text);
      put(element, icon('check'), 'Copied');
      setTimeout(() => put(element, content), 1_500);
    } catch {
      toast('The browser did not let the page copy; select the text and copy it by hand.', { tone: 'bad' });
    }
  });
  return element;
}
