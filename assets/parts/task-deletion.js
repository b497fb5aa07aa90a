// task-deletion: tasks that go in five seconds unless somebody changes their mind. Must not draw the board.

import { send } from './api.js';
import { sayError, toast } from './toast.js';
import { brief, quote } from './words.js';

const UNDO_MS = 5_000; // the style sheet has the same for the line that runs out

const pathOf = (id) => `/api/tasks/${encodeURIComponent(id)}`;

/**
 * Deletions under way.
 * @param {{steps: import('./board-undo.js').Steps, onBack: (id: string) => void}} options `steps`: what can be taken back;
 *   `onBack` is called when a task comes back: undone, or not deleted after all
 */
export function taskDeletions({ steps, onBack }) {
  /** @type {Map<string, {title: string, timer: number, close: () => void, forget: () => void}>} by task */
  const waiting = new Map();

  /** Out of the list of those that wait; answers it. */
  function end(id) {
    const entry = waiting.get(id);
    if (!entry) return null;
    clearTimeout(entry.timer);
    waiting.delete(id);
    entry.close();
    entry.forget();
    return entry;
  }

  async function leave(id) {
    const title = end(id)?.title ?? id;
    try {
      await send('DELETE', pathOf(id));
    } catch (error) {
      // Somebody else was quicker: it is gone, as was wished.
      if (error.status === 404) return;
      onBack(id);
      sayError(error, `${quote(title)} was not deleted.`);
    }
  }

  function undo(id) {
    if (end(id)) onBack(id);
  }

  // Who leaves the page has not changed their mind.
  addEventListener('pagehide', () => {
    for (const id of [...waiting.keys()]) {
      end(id);
      send('DELETE', pathOf(id), undefined, { keepalive: true }).catch(() => {});
    }
  });

  return {
    begin({ id, title }) {
      const shown = brief(title);
      const close = toast(`${quote(shown)} is deleted.`, {
        tone: 'counts',
        ms: 0,
        left: UNDO_MS,
        action: 'Undo',
        onAction: () => undo(id),
      });
      const forget = steps.add({ id, undo: () => undo(id) });
      waiting.set(id, { title: shown, close, forget, timer: setTimeout(() => leave(id), UNDO_MS) });
    },
    /** Whether a task may still come back. */
    waits: (id) => waiting.has(id),
    /** Somebody else has deleted it meanwhile. */
    drop: end,
  };
}
