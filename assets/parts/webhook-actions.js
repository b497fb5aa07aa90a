// webhook-actions: pausing, resuming and deleting a webhook. Must not draw it.

import { send } from './api.js';
import { confirm } from './dialog.js';
import { sayError, toast } from './toast.js';
import { namedIn } from './webhook-words.js';
import { many } from './words.js';

/**
 * @param {Api.Webhook} webhook
 * @returns {`/api/webhooks/${string}`}
 */
const path = ({ id }) => `/api/webhooks/${encodeURIComponent(id)}`;

/**
 * Pauses it, or resumes it if it is paused. `took` gets the webhook as it then is.
 * @param {Api.Webhook} webhook
 * @param {(webhook: Api.Webhook) => void} took
 */
export async function togglePause(webhook, took) {
  const what = webhook.status === 'paused' ? 'resume' : 'pause';
  try {
    const { data } = await send('POST', `${path(webhook)}/${what}`);
    took(data);
    const text =
      what === 'pause' ? 'is paused; what comes waits, however long.' : 'goes on; what waits goes out in order.';
    toast(`${namedIn(webhook)} ${text}`);
  } catch (error) {
    sayError(error);
  }
}

/**
 * Lets one that is not up be looked at at once.
 * @param {Api.Webhook} webhook
 * @param {(webhook: Api.Webhook) => void} took
 */
export async function lookNow(webhook, took) {
  try {
    const { data } = await send('POST', `${path(webhook)}/resume`);
    took(data);
    toast(`A single request looks whether ${namedIn(webhook)} is back.`);
  } catch (error) {
    sayError(error);
  }
}

/**
 * Sends again what it holds.
 * @param {Api.Webhook} webhook
 * @param {() => void} done
 */
export async function releaseHeld(webhook, done) {
  try {
    const { data } = await send('POST', `${path(webhook)}/release`);
    toast(`${many(data.expected ?? 0, 'delivery', 'deliveries')} of ${namedIn(webhook)} go out again, in order.`, { tone: 'good' });
    done();
  } catch (error) {
    sayError(error);
  }
}

/**
 * Asks, then deletes it.
 * @param {Api.Webhook} webhook
 * @param {(webhook: Api.Webhook) => void} gone
 */
export async function removeWebhook(webhook, gone) {
  const { waiting } = webhook;
  const sure = await confirm({
    title: `Delete ${namedIn(webhook)}?`,
    text: [
      'Nothing more is sent to it from that moment',
      waiting > 0
        ? `, and the ${many(waiting, 'delivery', 'deliveries')} that wait${waiting === 1 ? 's' : ''} are cancelled`
        : '',
      '. This cannot be taken back: its address, secret and headers go with it.',
    ].join(''),
    yes: 'Delete webhook',
  });
  if (!sure) return;
  try {
    await send('DELETE', path(webhook));
    gone(webhook);
    toast(`${namedIn(webhook)} is deleted.`);
  } catch (error) {
    sayError(error);
  }
}
