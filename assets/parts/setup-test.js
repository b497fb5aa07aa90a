// setup-test: step 2, a complete event to Make, so that it learns the fields: the kind, the answer, and what to do
// about it. Must not decide where it goes.

import { send } from './api.js';
import { h, more, put, saying } from './dom.js';
import { busy, clearErrors, errorLine, field, select, showError } from './form.js';
import { NOTHING_SENT, adviceOnTest } from './setup-advice.js';
import { isMake } from './setup-make.js';
import { guide, named, step } from './setup-step.js';
import { isTaken, longest, testResult } from './test-result.js';
import { when } from './time.js';
import { EVENTS } from './words.js';

/** The newest test of each webhook, for as long as the tab is open. */
const kept = {
  name: (id) => `btk-test-${id}`,
  /**
   * @param {string} id
   * @returns {{at: string, result: Api.TestResult}|null}
   */
  get(id) {
    try {
      return JSON.parse(sessionStorage.getItem(kept.name(id)) ?? 'null');
    } catch {
      return null;
    }
  },
  set(id, value) {
    try {
      sessionStorage.setItem(kept.name(id), JSON.stringify(value));
    } catch {
      // A browser that keeps nothing: the answer stands on the page all the same.
    }
  },
};

/** What to do, as steps. */
export const adviceBox = ({ title, steps }) =>
  h(
    'div',
    { class: 'note warn advice', data: { test: 'advice' } },
    h('h3', {}, 'What to do: ', title),
    steps.length === 1
      ? h('p', {}, steps[0])
      : h(
          'ol',
          {},
          steps.map((words) => h('li', {}, words)),
        ),
  );

/**
 * What the step is about: the webhook that is chosen, and the newest change that has arrived there.
 * @typedef {{chosen: Api.Webhook|null, delivered: Api.Delivery|null}} Found
 */

/**
 * Step 2.
 * @returns {{element: HTMLElement, focus: () => void, show: (next: Found) => void}}
 */
export function testStep() {
  const kind = select(
    EVENTS.map(({ value, label }) => ({ value, label: `${label} (${value})` })),
    'task_created',
  );
  const press = h('button', { type: 'submit', class: 'first' }, 'Send a test event');
  const first = h('p', { class: 'soft' }, 'First choose in step 1 where to send it.');
  const answer = h('div', { class: 'stack', 'aria-live': 'polite', data: { test: 'answer' } });
  const form = h(
    'form',
    { class: 'stack', novalidate: true },
    h('div', { class: 'row end' }, field('Which kind', kind, { name: 'event' }), press),
    first,
    errorLine(),
  );
  const frame = step({
    number: 2,
    title: 'Send a complete test event',
    lead: 'A sample task with every field filled: Make learns the fields from it. Nothing is stored here.',
    test: 'step-test',
    body: [
      form,
      answer,
      more(
        'Nothing arrives?',
        {},
        h(
          'ul',
          {},
          NOTHING_SENT.map((words) => h('li', {}, words)),
        ),
      ),
    ],
    aside: inMake(),
  });
  /** @type {Found} */
  let found = { chosen: null, delivered: null };
  let shown = null; // the webhook whose answer is on the page, and whether it is Make

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    busy(press, run);
  });

  async function run() {
    const webhook = found.chosen;
    if (!webhook) return;
    const path = `/api/webhooks/${encodeURIComponent(webhook.id)}/test`;
    try {
      clearErrors(form);
      const { data } = await saying(answer, 'Waiting for the answer…', send('POST', path, { event: kind.value }, { within: longest(webhook) }));
      kept.set(webhook.id, { at: new Date().toISOString(), result: data });
      // Another one was chosen meanwhile: its answer stands there.
      if (found.chosen?.id === webhook.id) showAnswer(webhook);
    } catch (error) {
      put(answer);
      showError(form, error);
    } finally {
      draw();
    }
  }

  /** @param {Api.Webhook} webhook */
  function showAnswer(webhook) {
    const test = kept.get(webhook.id);
    shown = `${webhook.id} ${isMake(webhook)}`;
    if (!test) return put(answer);
    const advice = adviceOnTest(test.result, webhook);
    put(
      answer,
      h('p', { class: 'soft' }, 'Tested ', when(test.at)),
      testResult(test.result),
      advice ? adviceBox(advice) : isMake(webhook) && taken(),
    );
  }

  function draw() {
    const { chosen, delivered } = found;
    // While a test is under way the button is out of use anyway.
    if (!press.hasAttribute('aria-busy')) press.disabled = !chosen;
    first.hidden = Boolean(chosen);
    if (!chosen) return frame.become('todo');
    if (shown !== `${chosen.id} ${isMake(chosen)}`) showAnswer(chosen);
    const test = kept.get(chosen.id);
    if (!isMake(chosen)) frame.become('todo', 'Say in step 1 whether this is Make; the test can be sent all the same.');
    else if (test && !isTaken(test.result)) frame.become('attention');
    else if (test || delivered)
      frame.become('done', test ? 'Make took the test event.' : 'Changes have arrived there already.');
    else frame.become('todo');
  }

  return {
    element: frame.element,
    /** The next thing to do, once there is an address. */
    focus: () => press.focus(),
    show(next) {
      found = next;
      draw();
    },
  };
}

const taken = () =>
  h(
    'div',
    { class: 'note good', data: { test: 'advice' } },
    h(
      'p',
      {},
      'Make has now learned the fields: every key is sent every time, null where there is no value. Switch the ' +
        'scenario on.',
    ),
    h(
      'p',
      {},
      'A scenario that is off also answers 200 Accepted, so BTK cannot see it; Make keeps the events in its queue ' +
        'until the scenario is on or the queue is full.',
    ),
    h(
      'p',
      {},
      h('a', { href: '/' }, 'Make a real change on the board'),
      ', and follow it under ',
      h('a', { href: '/deliveries' }, 'Deliveries'),
      '.',
    ),
  );

const inMake = () =>
  guide(
    'In Make',
    [
      'Let Make wait for data: ',
      named('Run once'),
      ', or ',
      named('Redetermine data structure'),
      ' in the webhook module.',
    ],
    [
      'Send the test event. The module shows ',
      named('Successfully determined'),
      ', and the fields can be mapped in the modules that follow.',
    ],
    'The fields are the same in all four kinds of event, so one of them is enough.',
  );
