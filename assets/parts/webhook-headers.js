// webhook-headers: the headers of a webhook as rows of a name and a value. A stored value is never shown: an empty
// field keeps it. Must not know the rest of the webhook.

import { h, put } from './dom.js';
import { icon } from './icons.js';
import { KEPT } from './webhook-values.js';

const MOST = 20;

/**
 * The rows.
 * @param {Record<string, string>} stored names with `…`
 * @param {() => void} onInput
 * @returns {{element: HTMLElement, read: () => Record<string, string>, twice: () => string|null}}
 */
export function headersField(stored, onInput) {
  let rows = Object.keys(stored).map((name) => row(name, true));
  const list = h('ul', { class: 'header-rows' });
  const add = h('button', { type: 'button', class: 'plain', on: { click: addRow } }, icon('plus'), 'Add a header');
  const element = h('div', { class: 'stack headers-field' }, list, h('div', {}, add));

  function row(text, isStored) {
    const own = { isStored };
    own.name = h('input', {
      type: 'text',
      'aria-label': 'Name of the header',
      placeholder: 'x-make-apikey',
      value: text,
      readOnly: isStored,
      autocomplete: 'off',
      spellcheck: 'false',
      autocapitalize: 'off',
      on: { input: onInput },
    });
    own.value = h('input', {
      type: 'text',
      'aria-label': text ? `New value of ${text}` : 'Value of the header',
      autocomplete: 'off',
      spellcheck: 'false',
      placeholder: isStored ? '… (kept unless you type another)' : 'Value',
      on: { input: onInput },
    });
    own.element = h(
      'li',
      {},
      own.name,
      own.value,
      h(
        'button',
        {
          type: 'button',
          class: 'plain square',
          'aria-label': text ? `Remove the header ${text}` : 'Remove this header',
          on: { click: () => remove(own) },
        },
        icon('close'),
      ),
    );
    return own;
  }

  function addRow() {
    const own = row('', false);
    rows.push(own);
    draw();
    own.name.focus();
    onInput();
  }

  function remove(own) {
    const at = rows.indexOf(own);
    rows = rows.filter((other) => other !== own);
    draw();
    (rows[Math.min(at, rows.length - 1)]?.value ?? add).focus();
    onInput();
  }

  function draw() {
    // Rows that stay are not taken out, so that they keep what is being done in them.
    for (const item of [...list.children]) if (!rows.some((own) => own.element === item)) item.remove();
    for (const own of rows) if (!own.element.isConnected || own.element.parentNode !== list) list.append(own.element);
    add.disabled = rows.length >= MOST;
    add.title = add.disabled ? `Up to ${MOST} headers` : '';
  }

  const filled = () => rows.filter(({ name, value }) => name.value.trim() || value.value.trim());
  put(
    list,
    rows.map((own) => own.element),
  );
  draw();
  return {
    element,
    read: () =>
      Object.fromEntries(
        filled().map(({ name, value, isStored }) => [
          name.value.trim().toLowerCase(),
          isStored && value.value === '' ? KEPT : value.value,
        ]),
      ),
    /** A name that stands there twice: as an object one of the two would be lost. */
    twice() {
      const names = filled().map(({ name }) => name.value.trim().toLowerCase());
      return names.find((name, index) => names.indexOf(name) !== index) ?? null;
    },
  };
}
