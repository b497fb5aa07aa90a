// board-drag: cards are dragged from column to column with the mouse. Must not move anything by itself.

/**
 * @param {HTMLElement} board
 * @param {{element: HTMLElement, status: string}[]} columns
 * @param {(id: string, status: string) => void} onDrop
 */
export function wireDragging(board, columns, onDrop) {
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
    const card = event.target.closest?.('.task[data-id]');
    if (!card) return;
    dragged = card.dataset.id;
    event.dataTransfer.setData('text/plain', card.querySelector('.task-title').textContent);
    event.dataTransfer.effectAllowed = 'move';
    // After the browser has taken its picture of the card.
    requestAnimationFrame(() => card.classList.add('dragged'));
  });
  board.addEventListener('dragend', end);
  // A card that left the page meanwhile (scrolled away, drawn anew) tells nobody that its drag has ended.
  document.addEventListener('pointermove', end, { passive: true });
  board.addEventListener('dragleave', (event) => board.contains(event.relatedTarget) || show(null));
  for (const { element, status } of columns) {
    element.addEventListener('dragover', (event) => {
      if (!dragged) return;
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
