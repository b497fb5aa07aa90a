// task-form: the fields of a task as a form: what it was given, what the reader has made of it.
// Must not ask the server.

import { h } from './dom.js';
import { errorLine, field, select, suggest } from './form.js';
import { LABEL, LINE } from './limits.js';
import { attachmentsField, tagsField } from './task-fields.js';
import { dueFields, dueOf } from './time.js';
import { PRIORITIES, STATUSES } from './words.js';

const FIELDS = ['title', 'description', 'status', 'priority', 'type', 'category', 'dueDate', 'tags', 'attachments'];

/** Whether two values of a field are the same. */
export const isSame = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/** A due date as the server answers it: a day is kept as midnight UTC. */
const asAnswered = (date) => (date?.length === 10 ? `${date}T00:00:00.000Z` : date);

/** A value as the form gives it back: it knows no seconds, and only line feeds. */
function throughForm(name, value) {
  if (name === 'dueDate' && value) {
    const { day, hour } = dueFields(value);
    return asAnswered(dueOf(day, hour));
  }
  if (name === 'description' && value) return value.replace(/\r\n?/g, '\n');
  if (name === 'attachments') return value.map((each) => ({ ...each, name: each.name.trim(), url: each.url.trim() }));
  return value;
}

/** @typedef {{type: Set<string>, category: Set<string>, tag: Set<string>}} Labels those that are known */

/**
 * The form.
 * @param {{labels: Labels, onInput: () => void, onSubmit: () => void}} options
 * @returns {{element: HTMLFormElement, changed: () => Partial<Api.Task>, set: (task: Api.Task, keep?: boolean) => void,
 *   focus: () => void, focusAt: (path: string|null) => void}}
 */
export function taskForm({ labels, onInput, onSubmit }) {
  /** @type {Api.Task|null} the one that it was given last */
  let base = null;
  const on = { input: onInput, change: onInput };
  const text = (props) => h('input', { type: 'text', on, ...props });
  const [typeBox, type] = suggest([...labels.type].sort(), '', { on, maxlength: LABEL, autocapitalize: 'characters' });
  const [categoryBox, category] = suggest([...labels.category].sort(), '', { on, maxlength: LABEL, autocapitalize: 'characters' });
  const title = h('textarea', {
    class: 'task-title-field',
    rows: '2',
    maxlength: LINE,
    on: { ...on, keydown: noBreak },
  });
  const description = h('textarea', { class: 'task-description-field', rows: '6', on });
  const status = select(STATUSES, '', { on });
  const priority = select(PRIORITIES, '', { on });
  const day = text({ type: 'date', max: '9999-12-31' });
  const hour = text({ type: 'time' });
  const tags = tagsField([], labels.tag, onInput);
  const attachments = attachmentsField(onInput);

  const parts = {
    title: { read: () => title.value.trim(), write: (value) => (title.value = value) },
    description: { read: () => description.value || null, write: (value) => (description.value = value ?? '') },
    status: { read: () => status.value, write: (value) => (status.value = value) },
    priority: { read: () => priority.value, write: (value) => (priority.value = value) },
    type: ofLabel(type),
    category: ofLabel(category),
    dueDate: {
      read: () => asAnswered(dueOf(day.value, hour.value)),
      write(value) {
        const fields = dueFields(value);
        [day.value, hour.value] = [fields.day, fields.hour];
      },
    },
    tags: { read: tags.value, write: tags.set },
    attachments: { read: attachments.value, write: attachments.set },
  };

  /** @param {HTMLInputElement} input */
  function ofLabel(input) {
    // Labels are written in capitals; nobody need hold the key for that.
    return { read: () => input.value.trim().toUpperCase() || null, write: (value) => (input.value = value ?? '') };
  }

  function noBreak(event) {
    if (event.key === 'Enter') event.preventDefault();
  }

  const element = h(
    'form',
    {
      class: 'stack task-form',
      id: 'task-form',
      novalidate: true,
      on: {
        submit(event) {
          event.preventDefault();
          onSubmit();
        },
      },
    },
    field('Title', title, { name: 'title' }),
    h(
      'div',
      { class: 'fields' },
      field('Status', status, { name: 'status' }),
      field('Priority', priority, { name: 'priority' }),
    ),
    h(
      'div',
      { class: 'fields' },
      field('Type', type, { name: 'type', box: typeBox }),
      field('Category', category, { name: 'category', box: categoryBox }),
    ),
    h(
      'div',
      { class: 'fields' },
      field('Due date', day, { name: 'dueDate' }),
      field('Hour', hour, { hint: 'Empty: the whole day.' }),
    ),
    field('Tags', tags.input, { name: 'tags', box: tags.element, hint: 'Enter or a comma adds one.' }),
    field('Description', description, { name: 'description' }),
    h(
      'div',
      { class: 'field', role: 'group', 'aria-label': 'Attachments', data: { field: 'attachments' } },
      h('span', { class: 'legend', 'aria-hidden': 'true' }, 'Attachments'),
      attachments.element,
      h('p', { class: 'hint' }),
    ),
    errorLine(),
  );

  /** The fields that the reader has changed, with their values. */
  function changed() {
    if (!base) return {};
    const [now, before] = [FIELDS.map((name) => [name, parts[name].read()]), base];
    return Object.fromEntries(now.filter(([name, value]) => !isSame(value, throughForm(name, before[name]))));
  }

  return {
    element,
    changed,
    /** Shows a task; with `keep` the fields that the reader has changed stay as they are. */
    set(task, keep = false) {
      const mine = keep ? changed() : {};
      for (const name of FIELDS) {
        const isOther = !base || !isSame(base[name], task[name]) || !keep;
        if (isOther && !(name in mine)) parts[name].write(task[name]);
      }
      base = task;
    },
    focus: () => title.focus(),
    /** Moves the focus to the one of several that an error names: `attachments[1].url`. */
    focusAt(path) {
      const [, index, key] = /^attachments\[(\d+)\]\.(\w+)$/.exec(path ?? '') ?? [];
      if (index) attachments.focus(Number(index), key);
    },
  };
}
