// setup-address: step 1, from BTK to Make: which webhook leads there, or the address for a new one. The address is a
// password: it leaves the page once, by the request that saves it. Must not test anything.

import { send } from './api.js';
import { h, more, put } from './dom.js';
import { busy, button, clearErrors, errorLine, field, select, showError } from './form.js';
import { hostOf, isMake, isMakeHost, sayIsMake } from './setup-make.js';
import { guide, named, step } from './setup-step.js';
import { toast } from './toast.js';
import { nameOf, nextLook } from './webhook-words.js';
import { WEBHOOK_STATUSES, mark } from './words.js';

/**
 * Whether a webhook may be the one that leads to Make.
 * @param {Api.Webhook} webhook
 * @param {Api.Setup|null} setup
 */
export function leadsToMake(webhook, setup) {
  if (webhook.id === 'alerts') return false;
  if (webhook.id === 'default') return Boolean(setup?.webhookUrlIsSet);
  return isMake(webhook);
}

/** @param {Api.Webhook} webhook */
const choiceOf = (webhook) => (webhook.id === 'default' ? 'default (WEBHOOK_URL)' : nameOf(webhook));

/** @typedef {{candidates: Api.Webhook[], chosen: Api.Webhook|null}} Found */

/**
 * Step 1.
 * @param {{onChoose: (id: string) => void, onSaid: () => void, onMade: (webhook: Api.Webhook) => void}} options `onSaid`: the
 *   reader says that the one that is chosen is Make
 * @returns {{element: HTMLElement, show: (found: Found) => void}}
 */
export function addressStep({ onChoose, onSaid, onMade }) {
  const summary = h('div', { class: 'stack' });
  const form = addressForm((made) => {
    isOpen = false;
    onMade(made);
    draw();
  });
  let isOpen = false;
  /** @type {Found} */
  let found = { candidates: [], chosen: null };
  let stamp = '';

  const open = () => {
    isOpen = true;
    draw();
    form.begin();
  };
  const frame = step({
    number: 1,
    title: 'From BTK to Make',
    lead: 'Each change goes to a custom webhook in Make. Nothing has to reach this server for it.',
    test: 'step-address',
    body: [summary, form.element, inTheSettings()],
    aside: inMake(),
  });

  function draw() {
    const { candidates, chosen } = found;
    // Told apart by what is shown, so that a choice being made is not taken away by a refresh.
    const now = JSON.stringify([
      isOpen,
      chosen?.id,
      chosen && isMake(chosen),
      candidates.map((w) => [w.id, w.url, w.status, w.reasonText, w.nextProbeAt]),
    ]);
    if (now === stamp) return;
    stamp = now;
    form.element.hidden = Boolean(chosen) && !isOpen;
    form.mayLeave(Boolean(chosen), () => {
      isOpen = false;
      draw();
    });
    const another = button('Use another address', { data: { key: 'another' } }, open);
    const isKnown = chosen && isMake(chosen);
    put(
      summary,
      chosen && [
        choice(candidates, chosen, onChoose),
        !isKnown && doubt(chosen, onSaid),
        !isOpen && h('div', { class: 'row' }, another),
      ],
    );
    if (!chosen) frame.become('todo');
    else if (!isKnown) frame.become('attention', `Each change goes to ${chosen.url}, which is not known to be Make`);
    else if (chosen.status === 'up') frame.become('done', `Each change goes to ${chosen.url}`);
    else frame.become('attention');
    form.warnOfSecond(chosen);
  }

  return {
    element: frame.element,
    show(next) {
      found = next;
      draw();
    },
  };
}

/**
 * The webhook that is used, with how it is doing; a choice where there are several.
 * @param {Api.Webhook[]} candidates
 * @param {Api.Webhook} chosen
 * @param {(id: string) => void} onChoose
 */
function choice(candidates, chosen, onChoose) {
  const isOne = candidates.length === 1;
  const options = candidates.map((webhook) => ({ value: webhook.id, label: `${choiceOf(webhook)}, ${webhook.url}` }));
  const choose = (event) => onChoose(event.target.value);
  return [
    !isOne && field('Which webhook', select(options, chosen.id, { data: { key: 'which' }, on: { change: choose } })),
    h(
      'dl',
      { class: 'facts', data: { test: 'chosen' } },
      h('dt', {}, 'Address'),
      h('dd', { class: 'mono' }, chosen.url),
      h('dt', {}, 'Comes from'),
      h(
        'dd',
        {},
        chosen.readOnly
          ? 'WEBHOOK_URL in the settings'
          : ['this page or the API; ', h('a', { href: '/webhooks' }, 'change it under Webhooks')],
      ),
      h('dt', {}, 'State'),
      h('dd', {}, mark(WEBHOOK_STATUSES, chosen.status)),
    ),
    chosen.reasonText &&
      h(
        'div',
        { class: 'note warn' },
        h('p', {}, chosen.reasonText, nextLook(chosen)),
        h('p', {}, h('a', { href: '/webhooks' }, 'See it under Webhooks')),
      ),
  ];
}

/**
 * A receiver of any kind is served all the same, but these steps are about Make.
 * @param {Api.Webhook} webhook
 * @param {() => void} onSaid
 */
function doubt(webhook, onSaid) {
  const press = button('It is Make', { data: { key: 'is-make' } }, () => {
    sayIsMake(webhook);
    onSaid();
  });
  return h(
    'div',
    { class: 'note warn stack', data: { test: 'not-make' } },
    h(
      'p',
      {},
      `${hostOf(webhook.url) || 'This address'} is not one of Make’s hosts. If it leads there all the same, such as `,
      'through a gateway of yours, say so; else use another address for Make. Whatever it is, it is sent each change.',
    ),
    h('div', { class: 'row' }, press),
  );
}

/**
 * The field for the address, and for Make's API key.
 * @param {(webhook: Api.Webhook) => void} onMade
 */
function addressForm(onMade) {
  // As a password, so that nobody reads it from the screen; the host below shows whether the right thing was pasted.
  const secret = {
    type: 'password',
    autocomplete: 'off',
    spellcheck: 'false',
    'data-1p-ignore': true,
    'data-lpignore': 'true',
  };
  const url = h('input', { ...secret, placeholder: 'https://hook.eu1.make.com/…', required: true });
  const key = h('input', { ...secret });
  const save = h('button', { type: 'submit', class: 'first' }, 'Save the address');
  const cancel = h('button', { type: 'button', class: 'plain' }, 'Keep the one above');
  const pasted = h('p', { class: 'soft', role: 'status' });
  const second = h('p', { class: 'note' });
  const element = h(
    'form',
    { class: 'stack', novalidate: true, data: { test: 'address-form' }, autocomplete: 'off' },
    field('Paste the address that Make shows', url, {
      name: 'url',
      hint: 'It works like a password: it is kept by the server and never shown whole again.',
    }),
    pasted,
    more(
      'The webhook in Make has an API key',
      {},
      field('API key', key, { name: 'headers', hint: 'Sent as the header x-make-apikey.' }),
    ),
    second,
    errorLine(),
    h('div', { class: 'row' }, save, cancel),
  );

  url.addEventListener('input', () => {
    const host = hostOf(url.value);
    pasted.textContent = sayHost(url.value.trim(), host);
  });

  element.addEventListener('submit', (event) => {
    event.preventDefault();
    busy(save, async () => {
      clearErrors(element);
      if (!url.value.trim()) return showError(element, { field: 'url', message: 'Paste the address first.' });
      try {
        const { data } = await send('POST', '/api/webhooks', {
          url: url.value.trim(),
          source: 'make',
          payload: 'classic',
          ignoreOrigin: ['incoming'],
          description: 'Make',
          ...(key.value.trim() && { headers: { 'x-make-apikey': key.value.trim() } }),
        });
        url.value = key.value = '';
        pasted.textContent = '';
        toast('The address is saved; each change goes there from now on.', { tone: 'good' });
        onMade(data);
      } catch (error) {
        pasted.textContent = '';
        showError(element, error);
      }
    });
  });

  return {
    element,
    begin: () => url.focus(),
    /** Whether there is one to go back to. */
    mayLeave(is, leave) {
      cancel.hidden = !is;
      cancel.onclick = () => {
        url.value = key.value = pasted.textContent = '';
        clearErrors(element);
        leave();
      };
    },
    /**
     * Two webhooks would both be told of each change.
     * @param {Api.Webhook|null} chosen
     */
    warnOfSecond(chosen) {
      second.hidden = !chosen;
      if (!chosen) return;
      const first = chosen.readOnly
        ? 'take WEBHOOK_URL out of the settings and start btk again'
        : 'delete or pause the other under Webhooks';
      const both = 'This makes a second webhook, and both are sent each change.';
      second.textContent = `${both} If this one is to replace the other, ${first}.`;
    },
  };
}

function sayHost(text, host) {
  if (!text) return '';
  if (!host) return 'This is not a whole address yet: it begins with https:// in Make.';
  if (isMakeHost(host)) return `An address at ${host}.`;
  return `An address at ${host}, which is not Make’s. It is taken all the same.`;
}

const inMake = () =>
  guide(
    'In Make',
    ['Create a scenario whose first module is ', named('Webhooks › Custom webhook'), '.'],
    ['Choose ', named('Add'), ', give the webhook a name, then ', named('Copy address'), '.'],
    [
      'Scenario settings: switch ',
      named('Sequential processing'),
      ' on. Without it a later change can overtake an earlier one inside Make.',
    ],
    [
      'Webhook settings: switch ',
      named('Get request headers'),
      ' on, if the scenario is to see webhook-id and so tell a repeat from news.',
    ],
    ['Webhook settings: an ', named('API key'), ' keeps a leaked address from being of use. Give it to BTK as well.'],
  );

const inTheSettings = () =>
  more(
    'Or in the settings: WEBHOOK_URL',
    {},
    h(
      'p',
      {},
      'Put the address into the file .env in the folder where btk is started, and start btk again. It is then the ' +
        'webhook “default”.',
    ),
    h(
      'pre',
      {},
      'WEBHOOK_URL=https://hook.eu1.make.com/…\n# only if the webhook in Make has an API ' +
        'key\nWEBHOOK_HEADERS=x-make-apikey: your key',
    ),
  );
