// task-quick-add: a line at the head of a column that makes a task of a title. Must not know the board.

import { send } from './api.js';
import { focused, h, put } from './dom.js';
import { LINE } from './limits.js';
import { sayError } from './toast.js';
import { quote } from './words.js';

// Not `randomUUID`: browsers have that on secure pages only.
const newKey = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');

let isPressed = false;
addEventListener('pointerdown', () => (isPressed = true), true);
for (const end of ['pointerup', 'pointercancel', 'dragend'])
  // With a mouse, a press is cancelled where a drag begins, which ends later.
  addEventListener(end, (/** @type {any} */ event) => (isPressed = end === 'pointercancel' && event.pointerType === 'mouse'), true);

/** Runs `run` when nothing is pressed: what moves under a press is not what is pressed, and another card is dragged. */
function afterPress(run) {
  if (!isPressed) return run();
  const look = () => {
    if (isPressed) return;
    for (const end of ['pointerup', 'pointercancel', 'dragend']) removeEventListener(end, look);
    run();
  };
  for (const end of ['pointerup', 'pointercancel', 'dragend']) addEventListener(end, look);
}

/**
 * Opens the line, or gives it the focus.
 * @param {HTMLElement} place
 * @param {{status: string, label: string, onAdded: (task: Api.Task) => void}} options
 */
export function quickAdd(place, { status, label, onAdded }) {
  const there = place.querySelector('input');
  if (there) {
    there.focus();
    return;
  }
  const before = focused();
  // One key for each entry: if the answer is lost, the same entry sent again makes no second task.
  let entry = { title: '', key: '' };
  const input = h('input', {
    type: 'text',
    maxlength: LINE,
    enterkeyhint: 'done',
    autocomplete: 'off',
    placeholder: 'Title, then Enter',
    'aria-label': `Title of the new task in ${label}`,
  });

  async function add(event) {
    event.preventDefault();
    const title = input.value.trim();
    if (!title || input.readOnly) return;
    if (entry.title !== title) entry = { title, key: newKey() };
    input.readOnly = true;
    try {
      const { data } = await send(
        'POST',
        '/api/tasks',
        { title, status },
        { headers: { 'idempotency-key': entry.key } },
      );
      entry = { title: '', key: '' };
      input.value = '';
      onAdded(data);
    } catch (error) {
      sayError(error, `${quote(title)} was not added.`);
    } finally {
      input.readOnly = false;
    }
  }

  function leave(event) {
    if (event.key !== 'Escape') return;
    event.stopPropagation();
    put(place);
    if (before?.isConnected) before.focus();
  }

  /** Goes when it is left with nothing in it. */
  function close() {
    const isUsed = input.value.trim() || input.readOnly || document.activeElement === input;
    if (form.isConnected && !isUsed && !document.hidden) put(place);
  }

  const form = h(
    'form',
    {
      on: {
        submit: add,
        keydown: leave,
        focusout: () => afterPress(close),
      },
    },
    input,
  );
  put(place, form);
  input.focus();
}
