// shell: what every page has around its content: where one is, whether it is live, the keys, signing out.
// Must not know what a page shows.

import { call, onSignedOut } from './api.js';
import { open } from './dialog.js';
import { find, h, put } from './dom.js';
import { button } from './form.js';
import { icon } from './icons.js';
import { addKeys, allKeys } from './keys.js';
import { onState } from './live.js';
import { signInAgain } from './session.js';
import { sayError } from './toast.js';

const GO = [
  ['g b', 'Board', '/'],
  ['g d', 'Deliveries', '/deliveries'],
  ['g w', 'Webhooks', '/webhooks'],
  ['g s', 'Set up Make', '/setup'],
  ['g o', 'Overview', '/overview'],
  ['g a', 'API', '/docs'],
];

const STATES = {
  live: ['good', 'Live', 'Changes are shown as they happen.'],
  polling: ['warn', 'Every 5 s', 'The live connection is not there just now; this page asks every 5 seconds and tries again.'],
  offline: ['bad', 'No connection', 'The server does not answer; the page goes on when it does.'],
  out: ['bad', 'Signed out', 'The session has ended; what is shown may be old. Sign in to go on.'],
};

/**
 * Begins a page.
 * @param {{keys?: import('./keys.js').Binding[], isLive?: boolean}} [options] `isLive`: it follows what happens
 * @returns {HTMLElement} where its content goes
 */
export function begin({ keys = [], isLive = true } = {}) {
  for (const link of document.querySelectorAll('.top nav a')) {
    if (link.getAttribute('href') === location.pathname) link.setAttribute('aria-current', 'page');
  }
  onSignedOut(signInAgain);
  addKeys(keys);
  addKeys(GO.map(([pair, label, href]) => ({ keys: [pair], label, group: 'Go to', run: () => location.assign(href) })));
  addKeys([{ keys: ['?'], label: 'This sheet', group: 'Everywhere', run: showKeys }]);
  addKeys([{ keys: ['Control+Enter'], label: 'Save what is open', group: 'Everywhere' }]);
  addKeys([{ keys: ['Escape'], label: 'Close what is open', group: 'Everywhere' }]);

  const live = h('span', { class: 'mark live', role: 'status' });
  const signIn = button('Sign in', { class: 'small', hidden: true }, () => signInAgain(true));
  // Not before a moment has passed: a page that is just opening is not offline.
  setTimeout(() => {
    onState((state) => {
      const [tone, label, title] = STATES[state];
      live.className = `mark live ${tone}`;
      live.title = title;
      put(live, icon('dot'), h('span', {}, label));
      signIn.hidden = state !== 'out';
      if (signOut) signOut.hidden = state === 'out';
    });
  }, 600);
  const help = h(
    'button',
    { type: 'button', class: 'plain square', 'aria-label': 'Keys', title: 'Keys (?)', on: { click: showKeys } },
    icon('help'),
  );
  put(find('#tools'), isLive && [live, signIn], help);
  offerSignOut();
  return find('#main');
}

let signOut = null; // its button, where there is a session

async function offerSignOut() {
  const session = await call('GET', '/api/session').catch(() => null);
  if (!session?.data?.tokenNeeded) return;
  signOut = button([icon('out'), h('span', {}, 'Sign out')], { class: 'plain sign-out', title: 'Sign out', 'aria-label': 'Sign out' }, async () => {
    try {
      await call('DELETE', '/api/session');
      location.assign('/sign-in');
    } catch (error) {
      sayError(error);
    }
  });
  find('#tools').append(signOut);
}

function showKeys() {
  const groups = Map.groupBy(allKeys(), ({ group }) => group);
  open({
    title: 'Keys',
    body: [...groups].map(([group, keys]) => [
      h('h3', {}, group),
      h(
        'dl',
        { class: 'keys' },
        keys.map(({ keys: names, label }) => [h('dt', {}, names.map((name) => h('kbd', {}, shown(name)))), h('dd', {}, label)]),
      ),
    ]),
  });
}

const SHOWN = { ArrowUp: '↑', ArrowDown: '↓', ArrowLeft: '←', ArrowRight: '→', Escape: 'Esc', Control: 'Ctrl', ' ': 'Space' };
const shown = (name) => name.split(/(?<=.)[+ ]/).map((key) => SHOWN[key] ?? key).join(' ');
