// webhook-secret: the secret of a webhook, shown once, and a new one in its place. Must not keep it anywhere.

import { send } from './api.js';
import { copyButton } from './copy.js';
import { confirm, open } from './dialog.js';
import { h } from './dom.js';
import { sayError } from './toast.js';
import { namedIn } from './webhook-words.js';

/**
 * Shows a secret; it closes at the second try if nobody has copied it.
 * @param {{webhook: Api.Webhook, secret: string, isNew: boolean, onTest: () => void}} options `isNew`: the webhook is new,
 *   not only its secret
 */
export function showSecret({ webhook, secret, isNew, onTest }) {
  let mayClose = false;
  const warning = h('p', { class: 'error', role: 'alert' });
  const copy = copyButton(secret, 'Copy', { class: 'first', autofocus: true });
  copy.addEventListener('click', () => (mayClose = true));
  const leave = (then) => () => {
    mayClose = true;
    dialog.close();
    then?.();
  };
  const dialog = open({
    title: isNew ? `${namedIn(webhook)} is set up` : `The new secret of ${namedIn(webhook)}`,
    body: [
      h('p', {}, 'Its requests are signed with this secret. It is shown now and not again.'),
      h('div', { class: 'row secret' }, h('code', { class: 'grow', data: { test: 'secret' } }, secret), copy),
      warning,
      h('p', { class: 'soft' }, isNew ? FOR_NEW : FOR_ROTATED),
    ],
    foot: [
      h('button', { type: 'button', on: { click: leave(onTest) } }, 'Send a test event'),
      h('button', { type: 'button', on: { click: leave() } }, 'Done'),
    ],
    mayClose() {
      if (mayClose) return true;
      mayClose = true;
      warning.textContent = 'The secret has not been copied. Copy it, or close once more to go on without it.';
      return false;
    },
  });
}

const FOR_NEW =
  'Give it to the receiver, so that it can tell these requests from others by their webhook-signature. ' +
  'Make needs none.';
const FOR_ROTATED =
  'For 24 hours webhook-signature holds two signatures, with the new and the old secret, so that the receiver can ' +
  'change over in that time; x-btk-signature is made with the new one from now on.';

/**
 * Asks, then makes a new secret and shows it.
 * @param {Api.Webhook} webhook
 * @param {{onChanged: () => void, onTest: () => void}} told
 */
export async function rotateSecret(webhook, { onChanged, onTest }) {
  const sure = await confirm({
    title: `Rotate the secret of ${namedIn(webhook)}?`,
    text:
      'A new secret is made and shown once. For 24 hours requests are signed with both; after that, a receiver that ' +
      'still checks with the old one refuses them. A receiver that checks x-btk-signature needs the new one at once.',
    yes: 'Rotate secret',
    tone: 'first',
  });
  if (!sure) return;
  try {
    const { data } = await send('POST', `/api/webhooks/${encodeURIComponent(webhook.id)}/rotate-secret`);
    onChanged();
    showSecret({ webhook, secret: data.secret, isNew: false, onTest });
  } catch (error) {
    sayError(error);
  }
}
