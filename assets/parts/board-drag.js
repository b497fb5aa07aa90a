// board-drag: cards are dragged from column to column with the mouse. Must not move anything by itself.

import { around } from './dom.js';

/**
 * @param {HTMLElement} board
 * @param {import('./board-column.js').Column[]} columns
 * @param {(id: string, status: Api.Status) => void} onDrop
 */
export function wireDragging(board, columns, onDrop) {
  /** @type {string|undefined|null} */
  let dragged = null; // the id of the card

  function show(target) {
    for (const { element } of columns) element.classList.toggle('drop', element === target);
  }

  function end() {
    if (!dragged) return;
    board.querySelector('.task.dragged')?.classList.remove('dragged');
    dragged = null;
    show(null);
  }

  board.addEventListener('dragstart', (event) => {
    const card = around(event.target, '.task[data-id]');
    if (!card || !event.dataTransfer) return;
    dragged = card.dataset.id;
    event.dataTransfer.setData('text/plain', card.querySelector('.task-title')?.textContent ?? '');
    event.dataTransfer.effectAllowed = 'move';
    // After the browser has taken its picture of the card.
    requestAnimationFrame(() => card.classList.add('dragged'));
  });
  board.addEventListener('dragend', end);
  // A card that left the page meanwhile (scrolled away, drawn anew) tells nobody that its drag has ended.
  document.addEventListener('pointermove', end, { passive: true });
  board.addEventListener('dragleave', ({ relatedTarget }) => (relatedTarget instanceof Node && board.contains(relatedTarget)) || show(null));
  for (const { element, status } of columns) {
    element.addEventListener('dragover', (event) => {
      if (!dragged || !event.dataTransfer) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = 'move';
      show(element);
    });
    element.addEventListener('drop', (event) => {
      if (!dragged) return;
      event.preventDefault();
      const id = dragged;
      end();
      onDrop(id, status);
    });
  }
}
