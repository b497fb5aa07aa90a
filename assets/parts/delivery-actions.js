// delivery-actions: sending a delivery again, and giving one up. Must not know where these are offered.

import { send } from './api.js';
import { confirm } from './dialog.js';
import { sayError, toast } from './toast.js';

/**
 * @template {string} W
 * @param {string} id
 * @param {W} what
 * @returns {`/api/deliveries/${string}/${W}`}
 */
const path = (id, what) => `/api/deliveries/${encodeURIComponent(id)}/${what}`;

/**
 * Whether it can be sent again: it has ended, or is held for its own sake.
 * @param {Api.Delivery} delivery
 */
export const mayRedeliver = ({ status, reason }) =>
  ['delivered', 'failed', 'cancelled'].includes(status) ||
  (status === 'held' && ['refused_alone', 'rejected'].includes(reason ?? ''));

/**
 * Whether it can be given up: it waits.
 * @param {Api.Delivery} delivery
 */
export const mayCancel = ({ status }) => status === 'pending' || status === 'held';

/**
 * Sends it again.
 * @param {string} id
 * @param {(row: Api.Delivery) => void} onDone gets the delivery as it is now
 */
export async function redeliver(id, onDone) {
  try {
    const { data } = await send('POST', path(id, 'redeliver'));
    onDone(data);
    toast('It is in line again and goes out next of its task.', { tone: 'good' });
  } catch (error) {
    sayError(error);
  }
}

/**
 * Gives it up, after asking.
 * @param {string} id
 * @param {(row: Api.Delivery) => void} onDone
 */
export async function cancel(id, onDone) {
  const isSure = await confirm({
    title: 'Cancel this delivery?',
    text: 'It is not sent any more, and later changes of its task go out without it. You can redeliver it later.',
    yes: 'Cancel the delivery',
  });
  if (!isSure) return;
  try {
    const { data } = await send('POST', path(id, 'cancel'));
    onDone(data);
    toast('It is cancelled and is not sent.');
  } catch (error) {
    sayError(error);
  }
}
