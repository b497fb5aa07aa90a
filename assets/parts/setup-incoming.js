// setup-incoming: step 3, from Make to BTK: whether Make can come in, what its HTTP module needs, what came in last.
// Must not know the secret: the server does not tell it.

import { copyButton } from './copy.js';
import { h, more, put } from './dom.js';
import { button } from './form.js';
import { icon } from './icons.js';
import { cameFromMake, sayCameFromMake } from './setup-make.js';
import { httpModule } from './setup-module.js';
import { receivedLine } from './setup-received.js';
import { guide, named, step } from './setup-step.js';
import { isTaken } from './test-result.js';

const SKIPPED = 'btk-setup-no-incoming';

/** Whether a name can only be reached from this machine or this network. */
function isPrivate(host) {
  const name = host.replace(/^\[|\]$/g, '').toLowerCase();
  return (
    name === 'localhost' ||
    /\.(localhost|local|lan|internal|home\.arpa|test)$/.test(name) ||
    /^(0|10|127)\.|^192\.168\.|^169\.254\.|^172\.(1[6-9]|2\d|3[01])\.|^100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./.test(
      name,
    ) ||
    /^(::1?|f[cd][0-9a-f]{2}:.*|fe80:.*)$/.test(name) ||
    !/[.:]/.test(name)
  );
}

/** Why Make cannot reach an address; null if nothing speaks against it. */
function unreachable(incomingUrl) {
  const url = new URL(incomingUrl);
  if (isPrivate(url.hostname))
    return `${url.host} is an address of this machine or its network; Make is on the internet.`;
  if (url.protocol !== 'https:') return `${url.origin} is not HTTPS, which Make’s HTTP module asks for.`;
  return null;
}

/** Step 3. */
export function incomingStep() {
  const checks = h('ul', { class: 'checks' });
  const module = httpModule();
  const received = receivedLine();
  const trial = h('div', {});
  const doubt = h(
    'div',
    { class: 'note row', hidden: true, data: { test: 'not-from-make' } },
    h('p', { class: 'grow' }, 'It was taken, but nothing shows that Make sent it.'),
    button('It was Make', {}, () => {
      if (setup.lastReceived) sayCameFromMake(setup.lastReceived);
      draw();
    }),
  );
  const body = h('div', { class: 'stack' }, checks, module.element, received.element, doubt, trial);
  const skip = button('Skip this step', { class: 'plain' }, () => decide(true));
  const doIt = button('Do it after all', {}, () => decide(false));
  const skipped = h('div', { class: 'row' }, doIt);
  const aside = inMake();
  const frame = step({
    number: 3,
    title: 'From Make to BTK',
    lead: 'For scenarios that make or change tasks here. Skip it if Make only listens.',
    test: 'step-incoming',
    body: [skipped, body],
    aside,
    action: skip,
  });
  /** @type {Api.Setup} what is shown, from the first `show` on */
  let setup;
  let stamp = '';

  function decide(isSkipped) {
    try {
      if (isSkipped) localStorage.setItem(SKIPPED, 'yes');
      else localStorage.removeItem(SKIPPED);
    } catch {
      // A browser that keeps nothing: it holds until the page is loaded again.
    }
    draw(isSkipped);
    (isSkipped ? doIt : skip).focus();
  }

  function draw(isSkipped = readSkipped()) {
    const last = setup.lastReceived;
    // What has come in is not skipped, whatever was decided before.
    const isAway = isSkipped && !last;
    body.hidden = aside.hidden = isAway;
    skipped.hidden = !isAway;
    skip.hidden = isAway || Boolean(last);
    const isFromMake = last !== null && cameFromMake(last);
    doubt.hidden = !isTaken(last) || isFromMake;
    // What was set and cannot work is a fault; what was not set yet is only to be done.
    const isFault = setup.publicUrl && unreachable(setup.incomingUrl);
    if (isAway) frame.become('skipped');
    else if (isTaken(last) && isFromMake) frame.become('done', 'Webhooks from Make arrive here.');
    else if (isTaken(last)) frame.become('todo');
    else if (last) frame.become('attention');
    else frame.become(isFault ? 'attention' : 'todo');
    received.show(last);
    const now = JSON.stringify([setup.incomingUrl, setup.publicUrl, setup.secretIsSet]);
    if (now === stamp) return;
    stamp = now;
    put(checks, reachCheck(setup), secretCheck(setup));
    module.show(setup.incomingUrl);
    put(trial, tryIt());
  }

  return {
    element: frame.element,
    /** @param {Api.Setup} next */
    show(next) {
      setup = next;
      draw();
    },
  };
}

function readSkipped() {
  try {
    return localStorage.getItem(SKIPPED) === 'yes';
  } catch {
    return false;
  }
}

const check = (isGood, title, ...content) =>
  h(
    'li',
    { class: isGood ? 'is-good' : 'is-open' },
    h('span', { class: ['mark', isGood ? 'good' : 'warn'] }, icon(isGood ? 'check' : 'alert'), title),
    content.length > 0 && h('div', { class: 'stack' }, content),
  );

function reachCheck({ incomingUrl, publicUrl }) {
  const why = unreachable(incomingUrl);
  if (!why) return check(true, `Make can call ${new URL(incomingUrl).origin}`);
  return check(
    false,
    'Make cannot reach this server yet',
    h('p', {}, why, ' ', publicUrl ? 'Set PUBLIC_URL to an address that can be reached.' : 'Set PUBLIC_URL.'),
    more(
      'How to let Make in',
      {},
      h(
        'ol',
        {},
        h('li', {}, 'Give the server a host name of its own, such as tasks.example.org.'),
        h(
          'li',
          {},
          'Put a proxy with TLS in front of btk. With Caddy, which gets its certificates by itself, the whole ' +
            'configuration is:',
        ),
      ),
      h('pre', {}, 'tasks.example.org {\n\treverse_proxy 127.0.0.1:5000\n}'),
      h('p', {}, 'Then put these into the file .env, and start btk again. With the token, only you get at the tasks.'),
      h('pre', {}, 'HOST=127.0.0.1\nPUBLIC_URL=https://tasks.example.org\nAPI_TOKEN=…'),
      h(
        'p',
        { class: 'soft' },
        'This page judges by the name alone. Whether the proxy works shows “Last received” below.',
      ),
    ),
  );
}

const MAKE_SECRET = 'openssl rand -hex 24';

function secretCheck({ secretIsSet }) {
  if (secretIsSet) return check(true, 'WEBHOOK_SECRET is set');
  return check(
    false,
    'WEBHOOK_SECRET is not set, so nothing is taken in',
    h('p', {}, 'Make up a secret:'),
    h('div', { class: 'copied' }, h('pre', {}, MAKE_SECRET), copyButton(MAKE_SECRET)),
    h('p', {}, 'Put it into the file .env in the folder where btk is started, and start btk again:'),
    h('pre', {}, 'WEBHOOK_SECRET=…'),
  );
}

function tryIt() {
  const isHere = isPrivate(location.hostname);
  const origin = isHere ? location.origin : 'http://127.0.0.1:5000';
  const line = [
    `curl ${origin}/api/incoming-webhook -H "X-Webhook-Secret: $WEBHOOK_SECRET" \\`,
    "    -d event=task_created -d id=order-17 -d title='From Make' -d tags=sales,q1 \\",
    `    --data-urlencode 'description=He said "now"'`,
  ].join('\n');
  return more(
    'Try it without Make, from the server’s own machine',
    {},
    h(
      'p',
      {},
      'With the secret in the shell’s variable WEBHOOK_SECRET. It makes the task order-17.',
      !isHere && ' 5000 is the PORT of the settings.',
    ),
    h('div', { class: 'copied' }, h('pre', {}, line), copyButton(line)),
  );
}

const inMake = () =>
  guide(
    'In Make',
    ['Add the module ', named('HTTP › Make a request'), ' to a scenario.'],
    'Fill it with the values shown here.',
    [
      'Map what is shown like ',
      h('span', { class: 'placeholder' }, '{{1.title}}'),
      ': 1 is the number of the module that the value comes from.',
    ],
    ['Choose ', named('Run once'), '. “Last received” shows within two seconds what came in.'],
    'What comes in this way is not sent back to Make, so nothing goes round in circles.',
  );
