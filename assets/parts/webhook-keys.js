// webhook-keys: what the keyboard does on the page of webhooks. Must not know how it is done.

import { around, focused } from './dom.js';

const GROUP = 'Webhooks';

/**
 * The keys, for the page.
 * @param {{cards: () => HTMLElement[], webhookOf: (id?: string) => Api.Webhook|undefined,
 *   act: Record<string, (webhook: Api.Webhook) => any>, add: () => void, search: () => any}} page
 */
export function webhookKeys({ cards, webhookOf, act, add, search }) {
  const current = () => around(focused(), '[data-webhook]');

  function go(step) {
    const all = cards();
    const here = current();
    const at = here ? all.indexOf(here) : -1;
    const to = at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1);
    /** @type {FocusOptions & {focusVisible: boolean}} */
    const ring = { focusVisible: true };
    all[to]?.focus(ring);
  }

  /**
   * Acts on the card that has the focus; without one the key does nothing.
   * @param {string} name
   * @param {(webhook: Api.Webhook, event: KeyboardEvent) => boolean} [isFor]
   * @returns {(event: KeyboardEvent) => any}
   */
  const on =
    (name, isFor = () => true) =>
    (event) => {
      const webhook = webhookOf(current()?.dataset.webhook);
      if (!webhook || !isFor(webhook, event)) return false;
      return act[name](webhook);
    };
  const isOurs = ({ readOnly }) => !readOnly;
  // On a button Enter presses it.
  const mayEdit = (webhook, event) => isOurs(webhook) && (event.key !== 'Enter' || event.target === current());

  return [
    { keys: ['a'], label: 'Add a webhook', group: GROUP, run: add },
    { keys: ['ArrowDown', 'j'], label: 'To the next webhook', group: GROUP, run: () => go(1) },
    { keys: ['ArrowUp', 'k'], label: 'To the one before', group: GROUP, run: () => go(-1) },
    { keys: ['p'], label: 'Pause or resume it', group: GROUP, run: on('togglePause') },
    { keys: ['t'], label: 'Send it a test event', group: GROUP, run: on('test') },
    { keys: ['Enter', 'e'], label: 'Edit it', group: GROUP, run: on('edit', mayEdit) },
    { keys: ['r'], label: 'Recover it', group: GROUP, run: on('recover') },
    { keys: ['/'], label: 'Filter', group: GROUP, run: search },
  ];
}
