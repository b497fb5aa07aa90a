// board-keys: the keyboard on the board. Must not change anything by itself.

import { around, focused } from './dom.js';

/**
 * The keys of the board; each acts on the card that has the focus.
 * @param {{columns: import('./board-column.js').Column[], open: (id: string) => void,
 *   move: (id: string, status: Api.Status) => void, remove: (id: string) => void, add: (status: string) => void,
 *   undo: () => string|null, search: (name: string) => void}} board
 */
export function boardKeys({ columns, open, move, remove, add, undo, search }) {
  /** @type {string|null|undefined} the card that had the focus last: it may have been scrolled out of the page */
  let last = null;

  const placeOf = (id) => {
    const column = columns.findIndex((each) => id && each.has(id));
    return column < 0 ? null : { id, column, index: columns[column].indexOf(id) };
  };
  const at = () => {
    const card = around(focused(), '.task[data-id]');
    const isElsewhere = !card && document.activeElement !== document.body;
    const place = isElsewhere ? null : placeOf(card?.dataset.id ?? last);
    if (place) last = place.id;
    return place;
  };
  /**
   * Runs with the card that has the focus; without one, the first card gets it.
   * @param {(card: {id: string, column: number, index: number}) => any} run
   */
  const onCard = (run) => () => {
    const card = at();
    if (card) run(card);
    else if (!columns.some((column) => column.focus(0))) return false;
    return undefined;
  };
  const step = (by) => onCard(({ column, index }) => columns[column].focus(index + by));
  const aside = (by) =>
    onCard(({ column, index }) => {
      // Over empty columns to the next one with cards.
      for (let next = column + by; columns[next]; next += by) if (columns[next].focus(index)) return;
    });
  const push = (by) =>
    onCard(({ id, column, index }) => {
      const target = columns[column + by];
      if (!target) return;
      move(id, target.status);
      // Far down in a sorted column it may lie beyond what has been fetched.
      if (target.has(id)) target.focus(target.indexOf(id));
      else columns[column].focus(index);
    });
  const remember = (run) => (event) => {
    const answer = run(event);
    last = around(focused(), '.task[data-id]')?.dataset.id ?? last;
    return answer;
  };

  function openCard(event) {
    const card = at();
    // Enter on a button or a link is theirs.
    if (!card || (event.key === 'Enter' && !focused().matches('.task'))) return false;
    open(card.id);
    return undefined;
  }

  function removeCard({ id, column, index }) {
    remove(id);
    if (!columns[column].focus(index)) columns.some((each) => each.focus(index));
  }

  function takeBack() {
    const id = undo();
    const place = placeOf(id);
    if (place) columns[place.column].focus(place.index);
    return id ? undefined : false;
  }

  const group = 'Board';
  return [
    { keys: ['ArrowUp', 'k'], label: 'The card above', group, run: step(-1) },
    { keys: ['ArrowDown', 'j'], label: 'The card below', group, run: step(1) },
    { keys: ['ArrowLeft', 'h'], label: 'The column before', group, run: aside(-1) },
    { keys: ['ArrowRight', 'l'], label: 'The next column', group, run: aside(1) },
    { keys: ['Shift+ArrowLeft', '['], label: 'Move the card to the column before', group, run: push(-1) },
    { keys: ['Shift+ArrowRight', ']'], label: 'Move the card to the next column', group, run: push(1) },
    { keys: ['Enter', 'e'], label: 'Open the card', group, run: openCard },
    {
      keys: ['w'],
      label: 'What became of its webhook',
      group,
      run: onCard(({ id }) => location.assign(`/deliveries?task=${encodeURIComponent(id)}`)),
    },
    { keys: ['n'], label: 'New task', group, run: () => add(columns[at()?.column ?? 0].status) },
    { keys: ['Delete', 'd'], label: 'Delete the card (5 seconds to undo)', group, run: onCard(removeCard) },
    { keys: ['u', 'Control+z'], label: 'Undo the last move or deletion', group, run: takeBack },
    { keys: ['/'], label: 'Search', group, run: () => search('q') },
    { keys: ['f'], label: 'Filter', group, run: () => search('priority') },
  ].map((key) => ({ ...key, run: remember(key.run) }));
}
