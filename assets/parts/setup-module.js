// setup-module: the settings of Make's HTTP module for this server, field by field, ready to be copied.
// Must not hold the secret.

import { copyButton } from './copy.js';
import { h, put } from './dom.js';

/** The fields of a form: name, value, what to know. */
const FORM = [
  ['event', 'task_created', 'or task_updated, task_status_changed, task_deleted'],
  ['id', '{{1.id}}', 'the task’s id, one of yours; leave it out for a new task'],
  ['title', '{{1.title}}', 'needed for a new task'],
  ['description', '{{1.description}}', ''],
  ['tags', '{{join(1.tags; ",")}}', 'separated by commas'],
  ['dueDate', '{{1.dueDate}}', 'such as 2026-12-01'],
];

const JSON_BODY = `{
  "event": "task_created",
  "task": {
    "id": "{{1.id}}",
    "title": "{{1.title}}",
    "description": "{{1.description}}",
    "dueDate": "{{1.dueDate}}"
  }
}`;

/** A text with what is to be mapped in Make set apart. */
const mapped = (text) =>
  text.split(/(\{\{.*?\}\})/).map((part) => (part.startsWith('{{') ? h('span', { class: 'placeholder' }, part) : part));

const small = (text, what) => copyButton(text, 'Copy', { class: 'plain small', 'aria-label': `Copy ${what}` });

/** The table of settings. */
export function httpModule() {
  const url = h('code', {});
  let incoming = '';
  const row = (name, value, copied) =>
    h('tr', {}, h('th', { scope: 'row' }, name), h('td', {}, value), h('td', { class: 'number' }, copied));
  const body = bodyTabs();
  return {
    element: h(
      'div',
      { class: 'stack', data: { test: 'module' } },
      h('h3', {}, 'The module HTTP › Make a request'),
      h(
        'table',
        { class: 'settings' },
        h(
          'tbody',
          {},
          row(
            'URL',
            url,
            copyButton(() => incoming, 'Copy', { class: 'plain small', 'aria-label': 'Copy the URL' }),
          ),
          row('Method', h('code', {}, 'POST'), null),
          row('Header name', h('code', {}, 'X-Webhook-Secret'), small('X-Webhook-Secret', 'the header’s name')),
          row(
            'Header value',
            h('span', { class: 'soft' }, 'the value of WEBHOOK_SECRET in the settings; it is not shown here'),
            null,
          ),
          row('Body', ['a form or JSON, see below'], null),
          row(
            'Return error if the request fails',
            [h('code', {}, 'on'), h('span', { class: 'soft' }, ', or a refusal passes unseen')],
            null,
          ),
        ),
      ),
      h('h3', {}, 'Its body'),
      body.element,
    ),
    show(incomingUrl) {
      incoming = incomingUrl;
      put(url, incomingUrl);
    },
  };
}

/** The body as a form or as JSON. */
function bodyTabs() {
  const panels = [
    { name: 'Form (recommended)', content: asForm() },
    { name: 'JSON', content: asJson() },
  ];
  const tabs = panels.map(({ name }, index) =>
    h(
      'button',
      {
        type: 'button',
        role: 'tab',
        id: `body-tab-${index}`,
        'aria-controls': `body-panel-${index}`,
        on: { click: () => choose(index), keydown: (event) => turn(event, index) },
      },
      name,
    ),
  );
  const shown = panels.map(({ content }, index) =>
    h(
      'div',
      { class: 'stack', role: 'tabpanel', id: `body-panel-${index}`, 'aria-labelledby': `body-tab-${index}` },
      content,
    ),
  );

  function choose(chosen) {
    tabs.forEach((tab, index) => {
      const is = index === chosen;
      tab.setAttribute('aria-selected', String(is));
      tab.tabIndex = is ? 0 : -1;
      shown[index].hidden = !is;
    });
  }

  function turn(event, index) {
    const to = { ArrowLeft: index - 1, ArrowRight: index + 1, Home: 0, End: panels.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = (to + panels.length) % panels.length;
    choose(next);
    tabs[next].focus();
  }

  choose(0);
  return {
    element: h(
      'div',
      { class: 'stack' },
      h('div', { class: 'tabs', role: 'tablist', 'aria-label': 'Kind of body' }, tabs),
      shown,
    ),
  };
}

const asForm = () => [
  h(
    'p',
    {},
    'Body type ',
    h('code', {}, 'application/x-www-form-urlencoded'),
    '. Quotes and line breaks in a mapped text cannot break it.',
  ),
  h(
    'table',
    { class: 'form-fields' },
    h(
      'thead',
      {},
      h(
        'tr',
        {},
        h('th', {}, 'Key'),
        h('th', {}, 'Value'),
        h('th', {}, h('span', { class: 'off-screen' }, 'Remark')),
        h('th', {}, h('span', { class: 'off-screen' }, 'Copy')),
      ),
    ),
    h(
      'tbody',
      {},
      FORM.map(([name, value, note]) =>
        h(
          'tr',
          {},
          h('td', {}, h('code', {}, name)),
          h('td', {}, h('code', {}, mapped(value))),
          h('td', { class: 'soft' }, note),
          h('td', { class: 'number' }, small(value, `the value of ${name}`)),
        ),
      ),
    ),
  ),
  h(
    'p',
    { class: 'soft' },
    'Also type, category, status, priority. Fields that are left out stay as they are; an empty title, status or ' +
      'priority is refused, so leave these out when you have nothing for them.',
  ),
];

const asJson = () => [
  h(
    'p',
    {},
    'Body type ',
    h('code', {}, 'application/json'),
    '. A quote or a line break in a mapped text breaks it: prefer the form where people write the texts.',
  ),
  h(
    'div',
    { class: 'copied' },
    h('pre', {}, mapped(JSON_BODY)),
    copyButton(JSON_BODY, 'Copy', { 'aria-label': 'Copy the JSON body' }),
  ),
];
