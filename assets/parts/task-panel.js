// task-panel: one task with all its fields, to be read and changed. Must not know the board: it tells what it saved.

import { get, send } from './api.js';
import { copyButton } from './copy.js';
import { confirm, open } from './dialog.js';
import { fact, h, put } from './dom.js';
import { busy, clearErrors, showError } from './form.js';
import { isSame, taskForm } from './task-form.js';
import { change, taskHistory } from './task-history.js';
import { fieldName } from './task-words.js';
import { full, when } from './time.js';
import { sayError, toast } from './toast.js';

const SLOW = 300; // milliseconds after which it is said that the task is on its way

/**
 * Opens a task.
 * @param {string} id
 * @param {{labels: import('./task-form.js').Labels, onSaved: (task: Api.Task, before: Api.Task|null) => void,
 *   onDelete: (task: Api.Task) => void, onClose: () => void}} options
 * @returns {{id: string, close: () => void, mayClose: () => boolean, refresh: () => void}} `mayClose` asks the reader
 *   where something is not saved, and closes by itself if they say so
 */
export function openTask(id, { labels, onSaved, onDelete, onClose }) {
  /** @type {`/api/tasks/${string}`} */
  const path = `/api/tasks/${encodeURIComponent(id)}`;
  /** @type {Api.Task|null} as it was read last */
  let base = null;
  /** @type {string|null} */
  let etag = null;
  let isGone = false;
  /** @type {Api.Task|null} as it was before the first change of others that the reader was told of */
  let noticed = null;
  /** @type {AbortController|null} of what is under way */
  let reading = null;

  const note = h('div', { role: 'status', class: 'panel-note' });
  const form = taskForm({ labels, onInput: update, onSubmit: save });
  const facts = h('dl', { class: 'facts soft' });
  const history = taskHistory(id);
  const saveButton = h(
    'button',
    { type: 'submit', class: 'first', disabled: true, form: 'task-form', title: 'Ctrl+Enter' },
    'Save',
  );
  const deleteButton = h(
    'button',
    { type: 'button', class: 'plain danger', disabled: true, on: { click: remove } },
    'Delete',
  );
  form.element.hidden = true;

  const dialog = open({
    title: 'Task',
    side: true,
    body: [note, form.element, facts, history.element],
    foot: [deleteButton, h('span', { class: 'grow' }), saveButton],
    mayClose,
    onClose() {
      reading?.abort();
      removeEventListener('beforeunload', stay);
      onClose();
    },
  });
  dialog.element.dataset.test = 'task-panel';
  dialog.element.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    save();
  });
  addEventListener('beforeunload', stay);

  const isChanged = () => !isGone && Object.keys(form.changed()).length > 0;

  function stay(event) {
    if (isChanged()) event.preventDefault();
  }

  function mayClose() {
    if (!isChanged()) return true;
    const names = Object.keys(form.changed()).map(fieldName).join(', ');
    confirm({
      title: 'Close without saving?',
      text: `Not saved yet: ${names}.`,
      yes: 'Close without saving',
      no: 'Back to the task',
    }).then((yes) => yes && dialog.close());
    return false;
  }

  function update() {
    saveButton.disabled = !isChanged();
  }

  /**
   * Takes over the task as the server has it; what the reader has changed stays.
   * @param {Api.Task} task
   * @param {string|null} version
   */
  function show(task, version) {
    const before = base;
    const isNews = before && version !== etag && isChanged();
    form.set(task, Boolean(before));
    [base, etag] = [task, version];
    if (!before) {
      form.element.hidden = false;
      put(note);
      // On a phone this would bring the keyboard up.
      if (matchMedia('(pointer: fine)').matches) form.focus();
    }
    put(
      facts,
      fact(
        'Id',
        h('span', { class: 'row' }, h('code', {}, task.id), copyButton(task.id, 'Copy', { class: 'plain small' })),
      ),
      fact('Created', h('span', {}, full(task.createdAt))),
      fact('Last change', h('span', {}, full(task.updatedAt), ' (', when(task.updatedAt), ')')),
      fact('Version', version?.replaceAll('"', '') ?? '–'),
    );
    deleteButton.disabled = false;
    update();
    if (isNews) sayNews((noticed ??= before), task);
    else if (!isChanged()) noticed = null;
  }

  /**
   * Somebody changed the task while the reader did: what differs, and a way to take theirs.
   * @param {Api.Task} before
   * @param {Api.Task} task
   */
  function sayNews(before, task) {
    const mine = Object.keys(form.changed());
    const theirs = Object.keys(task).filter((name) => !['id', 'createdAt', 'updatedAt'].includes(name) && !isSame(before[name], task[name]));
    const both = theirs.filter((name) => mine.includes(name));
    const load = () => {
      if (base) form.set(base);
      noticed = null;
      put(note);
      update();
    };
    put(
      note,
      h(
        'div',
        { class: 'note warn stack', data: { test: 'news' } },
        h('p', {}, 'Somebody changed this task meanwhile:'),
        theirs.map((name) => change(name, before[name], task[name])),
        h(
          'p',
          {},
          both.length > 0
            ? `What you wrote stays in the form. Saving replaces theirs: ${both.map(fieldName).join(', ')}.`
            : 'What you wrote stays in the form; saving changes only that.',
        ),
        h('div', {}, h('button', { type: 'button', on: { click: load } }, 'Take theirs, drop mine')),
      ),
    );
  }

  async function load() {
    reading?.abort();
    const { signal } = (reading = new AbortController());
    const { data, etag: version } = await get(path, {}, { signal });
    show(data, version);
    await history.refresh();
  }

  function save() {
    if (saveButton.disabled || !isChanged()) return;
    const body = form.changed();
    busy(saveButton, async () => {
      clearErrors(form.element);
      try {
        const before = base;
        const { data } = await send('PUT', path, body, { headers: { 'if-match': etag ?? '' } });
        base = data;
        form.set(data);
        onSaved(data, before);
        toast('Saved.', { tone: 'good', ms: 2_500 });
        dialog.close();
      } catch (error) {
        if (error.status === 412) await load().catch(sayError);
        else if (error.status === 404) sayGone();
        else {
          showError(form.element, error);
          form.focusAt(error.field);
        }
      }
    }).finally(update);
  }

  function remove() {
    const task = base;
    if (!task) return;
    isGone = true;
    dialog.close();
    onDelete(task);
  }

  function sayGone() {
    deleteButton.disabled = saveButton.disabled = isGone = true;
    const link = h('a', { href: `/deliveries?task=${encodeURIComponent(id)}` }, 'See what was sent of it');
    put(
      note,
      h(
        'p',
        { class: 'note warn' },
        base ? 'This task was deleted. ' : 'There is no such task (any more). ',
        link,
        '.',
      ),
    );
    history.refresh().catch(() => {});
  }

  async function refresh() {
    try {
      await load();
    } catch (error) {
      if (error.name === 'AbortError') return;
      if (error.status === 404) sayGone();
      // Signed out: said when it is saved, not at every change of others.
      else if (base) error.status === 401 || sayError(error);
      else
        put(
          note,
          h(
            'p',
            { class: 'note bad' },
            error.message,
            ' ',
            h('button', { type: 'button', on: { click: refresh } }, 'Try again'),
          ),
        );
    }
  }

  setTimeout(
    () => base || isGone || note.hasChildNodes() || put(note, h('p', { class: 'soft' }, 'Reading the task…')),
    SLOW,
  );
  refresh();
  return { id, close: dialog.close, mayClose, refresh };
}
