// board-moves: moves a card to another column: at once on the board, then on the server, and back if that refuses.
// Must not know how a move was asked for.

import { send } from './api.js';
import { sayError } from './toast.js';
import { quote } from './words.js';

/**
 * @param {{state: object, onMoved: (id: string) => void}} options
 * @returns {(id: string, status: string) => Promise<void>} moves of one card go out one after the other
 */
export function boardMoves({ state, onMoved }) {
  const under = new Map(); // task id → the status that is wanted last

  async function move(id, status) {
    if (under.has(id)) {
      under.set(id, status);
      state.begin(id, status);
      return;
    }
    under.set(id, status);
    const card = state.begin(id, status);
    let task = null;
    try {
      do {
        const body = { status: under.get(id) };
        task = (await send('PUT', `/api/tasks/${encodeURIComponent(id)}`, body)).data;
      } while (task.status !== under.get(id));
    } catch (error) {
      sayError(error, `${quote(card.title)} was not moved.`);
    } finally {
      under.delete(id);
      state.end(id, task, card);
      onMoved(id);
    }
  }
  return move;
}
