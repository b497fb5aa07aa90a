// setup: Set up Make in three steps on one page. What is done is read from the server, not remembered here.

import { address } from '../parts/address.js';
import { get } from '../parts/api.js';
import { find, h } from '../parts/dom.js';
import { watch } from '../parts/live.js';
import { addressStep, leadsToMake } from '../parts/setup-address.js';
import { incomingStep } from '../parts/setup-incoming.js';
import { testStep } from '../parts/setup-test.js';
import { begin } from '../parts/shell.js';
import { addressNote, troubleBox } from '../parts/trouble.js';
import { masked } from '../parts/webhook-words.js';

const POLL = 2_000; // for what comes in: a refused webhook is no change, so the stream does not tell of it

const main = begin();
const here = address({ webhook: '' }, (_, isBack) => (isBack ? again() : draw()));
const note = addressNote(here);
/** @type {Api.Setup|null} */
let setup = null;
/** @type {Api.Webhook[]} */
let webhooks = [];
/** @type {Api.Delivery|null} the newest of the chosen webhook that has arrived */
let delivered = null;
/** @type {AbortController|null} */
let asking = null;

const addresses = addressStep({
  // Said of one, it holds for what all steps say of it.
  onSaid: () => draw(),
  onChoose(id) {
    here.set({ webhook: id }, { push: true });
    again();
  },
  onMade(made) {
    // The whole address stands in this answer; it is not kept.
    const known = { ...made, url: masked(made.url), secret: null };
    webhooks = [known, ...webhooks.filter(({ id }) => id !== made.id)];
    here.set({ webhook: made.id });
    test.focus();
    again();
  },
});
const test = testStep();
const incoming = incomingStep();
const steps = h('div', { class: 'steps', hidden: true }, addresses.element, test.element, incoming.element);
const trouble = troubleBox({ again: () => again(), isThere: () => Boolean(setup) });
main.append(
  h('div', { class: 'head' }, find('.title')),
  h(
    'p',
    { class: 'soft lead' },
    'Each change of a task goes to a scenario in Make, and what Make sends back changes tasks here.',
  ),
  trouble.element,
  note,
  steps,
);

/** The webhook that the page is about: the one in the address, else that of the settings, else the newest. */
function choice() {
  const candidates = webhooks.filter((webhook) => leadsToMake(webhook, setup));
  const by = (id) => candidates.find((webhook) => webhook.id === id);
  return { candidates, chosen: by(here.values.webhook) ?? by('default') ?? candidates[0] ?? null };
}

function draw() {
  if (!setup) return;
  const found = choice();
  addresses.show(found);
  test.show({ chosen: found.chosen, delivered: delivered?.webhookId === found.chosen?.id ? delivered : null });
  incoming.show(setup);
  note.show();
  steps.hidden = false;
}

let asked = 0;
let answered = 0;

/** Reads how the server is set up; an answer that comes after a newer one is dropped. */
async function readSetup(signal) {
  asked += 1;
  const mine = asked;
  const { data } = await get('/api/setup', {}, { signal });
  if (mine < answered) return;
  answered = mine;
  setup = data;
}

/** Reads everything; a newer call takes the place of one under way. */
async function refresh() {
  asking?.abort();
  const { signal } = (asking = new AbortController());
  try {
    const list = get('/api/webhooks', { limit: 1000 }, { signal });
    await Promise.all([readSetup(signal), list]);
    webhooks = (await list).data;
    const asked = here.values.webhook;
    if (asked && !webhooks.some(({ id }) => id === asked)) here.reject('webhook');
    const id = choice().chosen?.id;
    if (id && delivered?.webhookId !== id) {
      const found = await get('/api/deliveries', { webhookId: id, status: 'delivered', limit: 1 }, { signal });
      delivered = found.data[0] ?? null;
    }
    trouble.clear();
    draw();
  } catch (error) {
    trouble.say(error);
    throw error;
  }
}

const again = watch(refresh);
again();

let isPolling = false;
setInterval(async () => {
  if (document.hidden || isPolling || !setup) return;
  isPolling = true;
  try {
    await readSetup();
    draw();
  } catch {
    // The refresh says what is wrong.
  } finally {
    isPolling = false;
  }
}, POLL);
