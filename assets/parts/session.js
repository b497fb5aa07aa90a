// session: asks the reader to sign in again, over the page, where their session has ended: what they typed or dragged
// stays, and goes on afterwards. Must not know what waits for it.

import { call } from './api.js';
import { open } from './dialog.js';
import { onOtherWindow, signInForm } from './sign-in-form.js';

const QUIET = 1_000; // milliseconds without a key before it comes between a reader and what they type
const WHY =
  'Your session has ended: after 30 days, because somebody signed out in this browser, or because the token was ' +
  'changed. What you typed is still here and goes on when you have signed in.';

let asking = null; // the promise of the answer, while it is asked for
let isDeclined = false; // not asked again before the reader wants something
let isUrgent = false; // the reader waits for it

let lastPress = 0;
let isPressed = false;
for (const kind of ['keydown', 'pointerdown', 'pointerup', 'pointercancel', 'dragstart', 'dragend']) {
  addEventListener(
    kind,
    () => {
      lastPress = Date.now();
      isPressed = kind === 'pointerdown' || kind === 'dragstart';
    },
    { capture: true, passive: true },
  );
}

/** When nobody is in the middle of typing or dragging, or the reader waits for it. */
async function quiet() {
  while (!isUrgent && (isPressed || Date.now() - lastPress < QUIET)) await new Promise((done) => setTimeout(done, QUIET / 4));
}

/**
 * Lets the reader sign in; answers whether they did.
 * @param {boolean} isWanted they wait for what needs it; else the page asked by itself
 * @returns {Promise<boolean>}
 */
export function signInAgain(isWanted) {
  isUrgent ||= isWanted;
  if (asking) return asking;
  if (isDeclined && !isWanted) return Promise.resolve(false);
  asking = ask().finally(() => ([asking, isUrgent] = [null, false]));
  return asking;
}

async function ask() {
  await quiet();
  return new Promise((answer) => {
    let isIn = false;
    const goOn = () => {
      isIn = true;
      box.close();
    };
    const form = signInForm({ lead: WHY, onIn: goOn });
    // It may have been done in another window, or by another page of this browser.
    const look = () => call('GET', '/api/session').then(goOn, () => {});
    const box = open({
      title: 'Sign in to go on',
      body: form.element,
      onClose() {
        removeEventListener('focus', look);
        onOtherWindow(null);
        isDeclined = !isIn;
        answer(isIn);
      },
    });
    addEventListener('focus', look);
    onOtherWindow(look);
    form.focus();
  });
}
