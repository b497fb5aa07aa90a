// task-fields: the fields of a task that are more than one value: tags and attachments. Must not know the rest of it.

import { h, put } from './dom.js';
import { icon } from './icons.js';
import { TAG } from './limits.js';

let last = 0;

/**
 * Tags, or other words, as chips with a field for the next one.
 * @param {string[]} tags
 * @param {Iterable<string>} known words to suggest
 * @param {() => void} onInput called after a change by the reader
 * @param {string} noun what one is
 * @returns {{element: HTMLElement, input: HTMLInputElement, value: () => string[], set: (tags: string[]) => void}}
 */
export function tagsField(tags, known, onInput, noun = 'tag') {
  let values = [...tags];
  last += 1;
  const input = h('input', {
    type: 'text',
    maxlength: TAG,
    placeholder: `Add ${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`,
    list: `known-tags-${last}`,
    autocomplete: 'off',
    enterkeyhint: 'done',
    on: {
      keydown: byKey,
      // A comma that was pasted, or typed on a phone.
      input: () => (input.value.includes(',') ? take() : onInput()),
      blur: () => take(),
    },
  });
  const chips = h('ul', { class: 'chips', 'aria-label': `Each ${noun}` });
  const list = h(
    'datalist',
    { id: `known-tags-${last}` },
    [...known].map((tag) => h('option', { value: tag })),
  );
  // A press anywhere in the box is meant for its field.
  const element = h(
    'div',
    { class: 'tags', on: { click: (event) => event.target === element && input.focus() } },
    chips,
    input,
    list,
  );

  function byKey(event) {
    if (event.isComposing) return;
    if (event.key === 'Enter' && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      take();
    } else if (event.key === 'Backspace' && !input.value && values.length > 0) {
      event.preventDefault();
      change(values.slice(0, -1));
    }
  }

  /** What was typed, confirmed or not. */
  const typed = () =>
    input.value
      .split(',')
      .map((text) => text.trim())
      .filter(Boolean);
  const all = () => [...new Set([...values, ...typed()])];

  function take() {
    if (!input.value) return;
    const next = all();
    input.value = '';
    change(next);
  }

  function change(next) {
    values = next;
    draw();
    onInput();
  }

  function without(tag) {
    change(values.filter((other) => other !== tag));
    input.focus();
  }

  function draw() {
    put(
      chips,
      values.map((tag) =>
        h(
          'li',
          { class: 'chip' },
          h('span', { class: 'clip', dir: 'auto' }, tag),
          h(
            'button',
            {
              type: 'button',
              class: 'plain',
              'aria-label': `Remove the ${noun} ${tag}`,
              on: { click: () => without(tag) },
            },
            icon('close'),
          ),
        ),
      ),
    );
  }

  draw();
  return {
    element,
    input,
    value: all,
    set(next) {
      values = [...next];
      draw();
    },
  };
}

/**
 * Attachments: a name and an address each.
 * @param {() => void} onInput called after a change by the reader
 * @returns {{element: HTMLElement, value: () => Partial<Api.Attachment>[], set: (attachments: Api.Attachment[]) => void,
 *   focus: (index: number, key: string) => void}}
 */
export function attachmentsField(onInput) {
  /** @type {ReturnType<typeof rowOf>[]} */
  let rows = [];
  const list = h('div', { class: 'stack' });
  const add = h(
    'button',
    { type: 'button', class: 'plain small', on: { click: addRow } },
    icon('plus'),
    'Add an attachment',
  );
  const element = h('div', { class: 'stack' }, list, h('div', {}, add));

  /** @param {Partial<Api.Attachment> & {name: string, url: string}} attachment */
  function rowOf(attachment) {
    const input = (type, value, placeholder, label) =>
      h('input', { type, value, placeholder, 'aria-label': label, on: { input: onInput } });
    const row = {
      attachment,
      name: input('text', attachment.name, 'Name', 'Name of the attachment'),
      url: input('url', attachment.url, 'https://…', 'Address of the attachment'),
    };
    const remove = () => {
      rows = rows.filter((other) => other !== row);
      row.element.remove();
      onInput();
      add.focus();
    };
    row.element = h(
      'div',
      { class: 'attachment' },
      row.name,
      row.url,
      linkTo(attachment.url),
      h(
        'button',
        {
          type: 'button',
          class: 'plain square',
          'aria-label': `Remove ${attachment.name || 'the attachment'}`,
          on: { click: remove },
        },
        icon('close'),
      ),
    );
    return row;
  }

  function addRow() {
    const row = rowOf({ name: '', url: '' });
    rows.push(row);
    list.append(row.element);
    row.name.focus();
  }

  return {
    element,
    // What was stored beside name and address (id, size …) goes back as it came.
    value: () =>
      rows
        .filter(({ name, url }) => name.value.trim() || url.value.trim())
        .map(({ attachment, name, url }) => ({ ...attachment, name: name.value.trim(), url: url.value.trim() })),
    set(next) {
      rows = next.map(rowOf);
      put(
        list,
        rows.map((row) => row.element),
      );
    },
    /** Moves the focus to one that is wrong; empty rows are not sent. */
    focus(index, key) {
      const sent = rows.filter(({ name, url }) => name.value.trim() || url.value.trim());
      sent[index]?.[key]?.focus?.();
    },
  };
}

/** A way to what is stored, if its address is one of the web. */
function linkTo(url) {
  if (!/^https?:\/\//i.test(url)) return h('span', { class: 'square' });
  return h(
    'a',
    {
      class: 'button plain square',
      href: url,
      target: '_blank',
      rel: 'noopener noreferrer',
      'aria-label': 'Open the attachment',
    },
    icon('out'),
  );
}
