// webhook-test: a dialog that sends a test event to a webhook and explains the answer. Must not change the webhook.

import { send } from './api.js';
import { open } from './dialog.js';
import { h, put, saying } from './dom.js';
import { busy, clearErrors, errorLine, field, select, showError } from './form.js';
import { longest, testResult } from './test-result.js';
import { namedIn } from './webhook-words.js';
import { EVENTS, eventLabel, valuesOf } from './words.js';

/**
 * Opens it.
 * @param {Api.Webhook} webhook
 */
export function openTest(webhook) {
  const kinds = webhook.id === 'alerts' ? webhook.events : valuesOf(EVENTS);
  const kind = select(
    kinds.map((value) => ({ value, label: `${eventLabel(value)} (${value})` })),
    webhook.events[0],
  );
  const press = h('button', { type: 'submit', class: 'first', autofocus: true }, 'Send a test event');
  const answer = h('div', { class: 'stack', 'aria-live': 'polite', data: { test: 'answer' } });
  const remark = h('p', { class: 'soft' });
  const form = h(
    'form',
    { class: 'stack', novalidate: true },
    h(
      'p',
      { class: 'soft' },
      'A sample with every field filled, sent at once beside all that waits. Nothing is stored.',
    ),
    h('div', { class: 'row end' }, field('Which kind', kind, { name: 'event' }), press),
    remark,
    errorLine(),
  );

  function remind() {
    remark.textContent = webhook.events.some((wanted) => wanted === kind.value)
      ? ''
      : 'This webhook is not sent changes of this kind; the test sends the sample all the same.';
    remark.hidden = !remark.textContent;
  }

  async function run() {
    clearErrors(form);
    const path = `/api/webhooks/${encodeURIComponent(webhook.id)}/test`;
    const words = `Waiting for the answer, ${webhook.timeoutSeconds} s at most…`;
    try {
      const { data } = await saying(answer, words, send('POST', path, { event: kind.value }, { within: longest(webhook) }));
      put(answer, testResult(data));
      press.textContent = 'Send again';
    } catch (error) {
      put(answer);
      showError(form, error);
    }
  }

  kind.addEventListener('change', remind);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    await busy(press, run);
    // A button that is out of use loses the focus.
    if (document.activeElement === document.body) press.focus();
  });
  remind();
  open({ title: `Test ${namedIn(webhook)}`, wide: true, body: [form, answer] });
}
