// delivery-request: the request of a delivery as it is sent, and the same for a shell. Must not fetch anything.

import { copyButton } from './copy.js';
import { h, put } from './dom.js';
import { many } from './words.js';

const MOST = 200_000; // characters of a body that are shown; all of it is copied

/** A text as one word of a POSIX shell, whatever is in it. */
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

// curl sets these itself.
const ITS_OWN = ['content-length', 'host'];

/**
 * The request as a call of curl. Its comments are plain words: some shells read them when they are pasted.
 * @param {Api.DeliveryRequest} request
 */
export function asCurl({ method, headers, body }) {
  const kept = Object.entries(headers).filter(([name]) => !ITS_OWN.includes(name.toLowerCase()));
  const lines = [
    '# The address is a password, so it is not shown: put it into WEBHOOK_URL first',
    kept.some(([, value]) => value.includes('…')) && '# What is shown as … is a secret: put it in its place',
    `curl -X ${method} "$WEBHOOK_URL" \\`,
    ...kept.map(([name, value]) => `  -H ${quoted(`${name}: ${value}`)} \\`),
    // With an @ at the start curl would read a file of that name.
    `  ${body.startsWith('@') ? '--data-raw' : '--data-binary'} ${quoted(body)}`,
  ];
  return `${lines.filter(Boolean).join('\n')}\n`;
}

/** The body with indents; null if it is not JSON. */
function indented(body) {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return null;
  }
}

const shown = (text) => (text.length > MOST ? `${text.slice(0, MOST)}\n… (copy it to see the rest)` : text);

const headerRow = ([name, value]) =>
  h('tr', {}, h('th', { scope: 'row' }, name), h('td', { class: 'mono' }, value));

/**
 * The request, its headers and its body.
 * @param {Api.DeliveryRequest} request
 */
export function requestView(request) {
  const { method, url, headers, body } = request;
  const pretty = indented(body);
  const text = h('pre', { class: 'body', tabindex: '0', 'aria-label': 'Body', data: { test: 'body' } }, shown(body));
  const toggle = h('button', { type: 'button', class: 'small', 'aria-pressed': 'false' }, 'Indent');
  toggle.addEventListener('click', () => {
    const is = toggle.getAttribute('aria-pressed') !== 'true';
    toggle.setAttribute('aria-pressed', String(is));
    put(text, shown(is ? pretty : body));
  });
  return h(
    'div',
    { class: 'stack request' },
    h('p', { class: 'mono address' }, h('span', { class: 'strong' }, method), ' ', url),
    h('p', { class: 'soft' }, 'What is a secret is shown as …'),
    h(
      'table',
      { class: 'headers', 'aria-label': 'Headers' },
      h('tbody', {}, Object.entries(headers).map(headerRow)),
    ),
    h(
      'div',
      { class: 'row' },
      h('h4', { class: 'grow' }, 'Body ', h('span', { class: 'soft' }, many(new Blob([body]).size, 'byte'))),
      pretty !== null && toggle,
      copyButton(body, 'Copy body', { class: 'small' }),
    ),
    text,
  );
}
