// sign-in-form: asks for the server's token, once a browser. Must not keep the token anywhere, nor know what comes after.

import { call } from './api.js';
import { h } from './dom.js';
import { busy, clearErrors, errorLine, field, showError } from './form.js';
import { span } from './time.js';

// Windows tell each other that one of them is signed in.
const windows = new BroadcastChannel('btk-session');

/** `listener` is called when another window has signed in; null ends that. */
export const onOtherWindow = (listener) => (windows.onmessage = listener);

/**
 * The form.
 * @param {{lead: string, onIn: () => void}} options `lead`: why it asks
 * @returns {{element: HTMLFormElement, focus: () => void, fail: (error: {field: string|null, message: string}) => void}}
 */
export function signInForm({ lead, onIn }) {
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
    { class: 'sign-in', novalidate: true, data: { test: 'sign-in' } },
    h('p', { class: 'soft', data: { test: 'why' } }, lead),
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
      windows.postMessage('in');
      onIn();
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

  return { element: form, focus: () => token.focus(), fail: (error) => showError(form, error) };
}
