// sign-in: the page that asks for the server's token, once a browser. Must not keep the token anywhere.

import { call, get } from '../parts/api.js';
import { find, h } from '../parts/dom.js';
import { busy, clearErrors, errorLine, field, showError } from '../parts/form.js';
import { span } from '../parts/time.js';

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

const goOn = () => location.replace(goal());

const token = h('input', {
  type: 'password',
  autocomplete: 'current-password',
  required: true,
  spellcheck: 'false',
  autocapitalize: 'off',
});
const submit = h('button', { type: 'submit', class: 'first' }, 'Sign in');
const form = h(
  'form',
  { class: 'card sign-in', novalidate: true, data: { test: 'sign-in' } },
  h('p', { class: 'soft' }, 'This server asks for its token. You stay signed in on this browser for 30 days.'),
  // Password managers keep a password under a name.
  h('input', {
    type: 'text',
    class: 'off-screen',
    autocomplete: 'username',
    value: 'BTK',
    readOnly: true,
    tabindex: '-1',
    'aria-hidden': 'true',
  }),
  field('Token', token, {
    name: 'token',
    hint: 'It is the value of API_TOKEN in the settings of btk: in the file .env, or in its environment.',
  }),
  errorLine(),
  submit,
);

form.addEventListener('submit', (event) => {
  event.preventDefault();
  busy(submit, signIn);
});

async function signIn() {
  clearErrors(form);
  if (!token.value) return refuse('Paste the token first.');
  try {
    await call('POST', '/api/session', { body: { token: token.value } });
    token.value = '';
    goOn();
  } catch (error) {
    if (error.status === 401) refuse(error.message);
    else if (error.status === 429) refuse(error.message, error.retryAfter);
    else showError(form, error);
  }
}

/** Says at the field what is wrong; `seconds`: when it may be tried again. */
function refuse(message, seconds = null) {
  const sentence = /[.!?]$/.test(message) ? message : `${message}.`;
  const when = seconds ? ` A wrong one may be tried again in ${span(seconds * 1_000)}.` : '';
  showError(form, { message: sentence + when, field: 'token' });
  token.select();
}

find('#main').append(form);
token.focus();
// Signed in already, or no token is needed: nothing to ask for.
get('/api/session').then(goOn, (error) => error.status === 401 || showError(form, error));
