// sign-in: the page that asks for the server's token, once a browser. Must not keep the token anywhere.

import { get } from '../parts/api.js';
import { find } from '../parts/dom.js';
import { signInForm } from '../parts/sign-in-form.js';

/** Where to go on, whole: a page of this site, whatever the address asks for. */
function goal() {
  const home = `${location.origin}/`;
  const next = new URLSearchParams(location.search).get('next') ?? '/';
  if (!/^\/(?![/\\])/.test(next)) return home;
  try {
    // Resolved as the browser would. The whole address is returned, since a path such as `//elsewhere`, which
    // `/.//elsewhere` comes to, would by itself be the address of another site.
    const url = new URL(next, home);
    return url.origin === location.origin && url.pathname !== location.pathname ? url.href : home;
  } catch {
    return home;
  }
}

const hasEnded = new URLSearchParams(location.search).get('why') === 'ended';
const goOn = () => location.replace(goal());
const form = signInForm({
  lead: [
    hasEnded
      ? 'Your session has ended: after 30 days, because somebody signed out in this browser, or because the token was changed. Sign in and you are back on the page that you asked for.'
      : 'This server asks for its token.',
    'You stay signed in on this browser for 30 days.',
  ].join(' '),
  onIn: goOn,
});
form.element.classList.add('card');
find('#main').append(form.element);
form.focus();
// Signed in already, or no token is needed: nothing to ask for.
get('/api/session').then(goOn, (error) => error.status === 401 || form.fail(error));
