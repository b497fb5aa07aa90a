// board-moves: moves a card to another column: at once on the board, then on the server, and back if that refuses or is
// not there. A move can be taken back. Must not know how it was asked for.

import { send } from './api.js';
import { sayError, toast } from './toast.js';
import { brief, labelOf, quote, STATUSES } from './words.js';

const SHOWN_MS = 8_000; // the way back is offered on the page
const UNDO_MS = 60_000; // and the key knows it

/** @param {Api.Status} status */
const columnOf = (status) => quote(labelOf(STATUSES, status));

/**
 * @param {{state: import('./board-state.js').State, steps: import('./board-undo.js').Steps,
 *   onMoved: (id: string, isMoved: boolean) => void}} options `steps`: what can be taken back
 * @returns {(id: string, status: Api.Status) => Promise<boolean>} moves of one card go out one after the other
 */
export function boardMoves({ state, steps, onMoved }) {
  const under = new Map(); // task id → the status that is wanted last
  const offers = new Map(); // task id → how to take away what was offered for moves that are under way
  let closeLast = null; // the line that offers the way back from the last move

  /**
   * @param {string} id
   * @param {Api.Status} status
   * @param {string} title
   */
  async function go(id, status, title) {
    const isUnder = under.has(id);
    under.set(id, status);
    const card = state.begin(id, status);
    if (isUnder) return true;
    let task = null;
    try {
      do {
        const body = { status: under.get(id) };
        task = (await send('PUT', `/api/tasks/${encodeURIComponent(id)}`, body)).data;
      } while (task.status !== under.get(id));
    } catch (error) {
      const back = card ? ` is back in ${columnOf(card.status)}.` : ' was not moved.';
      sayError(error, quote(title) + back);
      for (const withdraw of offers.get(id) ?? []) withdraw();
    }
    under.delete(id);
    offers.delete(id);
    state.end(id, task, card);
    onMoved(id, task !== null);
    return task !== null;
  }

  /** Says where it is and offers the way back. */
  function offer(id, from, to, title) {
    closeLast?.();
    const undo = () => {
      forget();
      close();
      go(id, from, title).then((is) => is && toast(`${quote(title)} is back in ${columnOf(from)}.`));
    };
    const forget = steps.add({ id, undo });
    const close = toast(`${quote(title)} is now in ${columnOf(to)}.`, { ms: SHOWN_MS, action: 'Undo', onAction: undo });
    closeLast = close;
    setTimeout(forget, UNDO_MS);
    const withdraw = () => {
      forget();
      close();
    };
    offers.set(id, [...(offers.get(id) ?? []), withdraw]);
  }

  return (id, status) => {
    const card = state.cardOf(id);
    if (!card) return Promise.resolve(false);
    const title = brief(card.title);
    offer(id, card.status, status, title);
    return go(id, status, title);
  };
}
