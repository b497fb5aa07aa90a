// webhook-keys: what the keyboard does on the page of webhooks. Must not know how it is done.

const GROUP = 'Webhooks';

/**
 * The keys, for the page.
 * @param {{cards: () => HTMLElement[], webhookOf: (id: string) => object|undefined, act: Record<string, Function>,
 *   add: () => void, search: () => any}} page
 */
export function webhookKeys({ cards, webhookOf, act, add, search }) {
  const current = () => document.activeElement?.closest?.('[data-webhook]');

  function go(step) {
    const all = cards();
    const at = all.indexOf(current());
    const to = at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1);
    all[to]?.focus({ focusVisible: true });
  }

  /** Acts on the card that has the focus; without one the key does nothing. */
  const on =
    (name, isFor = () => true) =>
    (event) => {
      const webhook = webhookOf(current()?.dataset.webhook);
      if (!webhook || !isFor(webhook, event)) return false;
      act[name](webhook);
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
