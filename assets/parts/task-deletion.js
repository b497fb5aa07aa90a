// task-deletion: tasks that go in five seconds unless somebody changes their mind. Must not draw the board.

import { send } from './api.js';
import { sayError, toast } from './toast.js';
import { quote } from './words.js';

const UNDO_MS = 5_000; // the style sheet has the same for the line that runs out

const pathOf = (id) => `/api/tasks/${encodeURIComponent(id)}`;

/**
 * Deletions under way.
 * @param {{onBack: (id: string) => void}} options called when a task comes back: undone, or not deleted after all
 */
export function taskDeletions({ onBack }) {
  const waiting = new Map(); // id → {title, timer, close}

  /** Out of the list of those that wait; answers it. */
  function end(id) {
    const entry = waiting.get(id);
    if (!entry) return null;
    clearTimeout(entry.timer);
    waiting.delete(id);
    entry.close();
    return entry;
  }

  async function leave(id) {
    const { title } = end(id);
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
      const shown = title.length > 40 ? `${title.slice(0, 40).trimEnd()}…` : title;
      const close = toast(`${quote(shown)} is deleted.`, {
        tone: 'counts',
        ms: 0,
        left: UNDO_MS,
        action: 'Undo',
        onAction: () => undo(id),
      });
      waiting.set(id, { title: shown, close, timer: setTimeout(() => leave(id), UNDO_MS) });
    },
    /** Whether a task may still come back. */
    waits: (id) => waiting.has(id),
    /** Somebody else has deleted it meanwhile. */
    drop: end,
    /** Takes the last one back; answers its id. */
    undoLast() {
      const last = [...waiting.keys()].pop() ?? null;
      if (last) undo(last);
      return last;
    },
  };
}
