// icons: small drawings in lines, each beside words or with a label of its own. Must not carry meaning alone.

import { svg } from './dom.js';

/** @type {Record<string, string>} */
const PATHS = {
  plus: 'M12 5v14M5 12h14',
  search: 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l4.5 4.5',
  close: 'M6 6l12 12M18 6 6 18',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  clock: 'M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 8v4.5l3 2',
  pause: 'M9 5.5v13M15 5.5v13',
  alert: 'M12 4 2.8 19.5h18.4zM12 10v4.5M12 17v.2',
  cross: 'M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM9 9l6 6M15 9l-6 6',
  stop: 'M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM8 12h8',
  send: 'M21 4 3 11l7 3 3 7zM10 14l11-10',
  copy: 'M9 9h11v11H9zM15 9V4H4v11h5',
  edit: 'M4 20l1-4.5L16.5 4 20 7.5 8.5 19z',
  trash: 'M5 7h14M9.5 7V4.5h5V7M7 7l1 13h8l1-13',
  again: 'M19.5 12a7.5 7.5 0 1 1-2.2-5.3M19.5 4v4h-4',
  help: 'M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM9.5 9.5a2.5 2.5 0 1 1 3.6 2.2c-.7.4-1.1 1-1.1 1.8M12 16.6v.2',
  rows: 'M4 6h16M4 10h16M4 14h16M4 18h16',
  filter: 'M4 6h16M7 12h10M10 18h4',
  key: 'M14.5 4.5a5 5 0 1 0 0 10 5 5 0 0 0 0-10zM11 13l-7 7M7 17l2 2',
  link: 'M9.5 14.5 14.5 9.5M11 6l2-2a4.9 4.9 0 0 1 7 7l-2 2M13 18l-2 2a4.9 4.9 0 0 1-7-7l2-2',
  left: 'M14.5 5.5 8 12l6.5 6.5',
  down: 'M5.5 9 12 15.5 18.5 9',
  out: 'M10 4H5v16h5M9 12h11M16 8l4 4-4 4',
  dot: 'M12 9.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z',
};

/**
 * A drawing by its name; hidden from readers, since words stand beside it.
 * @param {string} name
 */
export function icon(name) {
  return svg('svg', { class: 'icon', viewBox: '0 0 24 24', 'aria-hidden': 'true' }, svg('path', { d: PATHS[name] }));
}
