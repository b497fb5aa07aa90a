// webhooks: what can be set on one and what differs, in which order they are listed, and what is said of them.

import './page.mjs';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { inOrder, WEBHOOK_SORTS } from '../../assets/parts/webhook-order.js';
import { DEFAULTS, differing, numberOf, valuesOf } from '../../assets/parts/webhook-values.js';
import { deliveriesOf, fits, masked, settingOf, waitingState, whatItGets } from '../../assets/parts/webhook-words.js';

const { schemas } = JSON.parse(readFileSync(new URL('../../openapi.json', import.meta.url), 'utf8')).components;
const WEBHOOK = {
  ...DEFAULTS, id: 'wh_1', url: 'https://e.org/…abcd', status: 'up', waiting: 0, held: 0, readOnly: false,
  createdAt: '2026-01-01T00:00:00.000Z',
};
const gets = (more) => whatItGets({ ...WEBHOOK, ...more });

test('all that the API lets one set can be set, but the address and the secret, which are never known here', () => {
  const known = Object.keys(schemas.WebhookInput.properties).filter((name) => !['url', 'secret'].includes(name));
  assert.deepEqual(Object.keys(DEFAULTS).sort(), known.sort());
  assert.deepEqual(Object.keys(DEFAULTS.filter).sort(), Object.keys(schemas.Filter.properties).sort());
});

test('the defaults are those that the API names', () => {
  const said = (name) => JSON.stringify(schemas.WebhookInput.properties[name]);
  for (const name of ['payload', 'profile', 'onReject']) assert.ok(said(name).includes(`\`${DEFAULTS[name]}\` if it is left out`), name);
  for (const name of ['maxAttempts', 'timeoutSeconds']) assert.ok(said(name).includes(`; ${DEFAULTS[name]} if it is left out`), name);
});

test('only what differs is sent, and the order of a set is no difference', () => {
  const before = valuesOf({ ...WEBHOOK, events: ['task_created', 'task_deleted'], headers: { a: '…', b: '…' } });
  const after = { ...before, events: ['task_deleted', 'task_created'], headers: { b: '…', a: '…' } };
  assert.deepEqual(differing(before, after), {});
  const filter = { ...before.filter, tag: ['x'] };
  assert.deepEqual(differing(before, { ...after, filter, maxAttempts: '3x' }), { filter, maxAttempts: '3x' });
});

test('a number that is none goes to the server as it was typed', () => {
  assert.deepEqual([' 12 ', '', '1.5', '-1', '9'.repeat(10)].map(numberOf), [12, null, '1.5', '-1', '9'.repeat(10)]);
});

test('trouble first: by how bad it is, then whose last answer was an error, then the newest', () => {
  const one = (id, status, day) => ({ ...WEBHOOK, id, status, createdAt: `2026-01-0${day}T00:00:00.000Z` });
  const all = [one('a', 'up', 1), one('b', 'paused', 1), one('c', 'down', 1), one('d', 'up', 2), one('e', 'up', 1), one('f', 'odd', 1)];
  const figures = new Map([['e', { lastAnswer: { error: 'refused' } }]]);
  assert.deepEqual(inOrder(all, 'trouble', figures).map(({ id }) => id), ['c', 'f', 'b', 'e', 'd', 'a']);
});

test('names go by their numbers, and the other orders by what they say', () => {
  const named = (description, waiting) => ({ ...WEBHOOK, id: description, description, waiting });
  const all = [named('Hook 10', 1), named('hook 9', 3), named('hook 1', 2)];
  const figures = new Map([['Hook 10', { lagP50Ms: 5 }], ['hook 1', { lagP50Ms: 50 }]]);
  const ids = (sort) => inOrder(all, sort, figures).map(({ id }) => id);
  assert.deepEqual(ids('name'), ['hook 1', 'hook 9', 'Hook 10']);
  assert.deepEqual(ids('waiting'), ['hook 9', 'hook 1', 'Hook 10']);
  assert.deepEqual(ids('lag'), ['hook 1', 'Hook 10', 'hook 9']);
  for (const { value } of WEBHOOK_SORTS) assert.equal(ids(value).length, 3, value);
});

test('an address is masked as the server does it', () => {
  assert.equal(masked('https://hook.eu1.make.com/abcdefgh12345678'), 'https://hook.eu1.make.com/…5678');
  assert.equal(masked('https://e.org/short'), 'https://e.org/…');
  assert.equal(masked('http://e.org:8080/a?token=abcdefghijklmnop'), 'http://e.org:8080/…mnop');
  assert.equal(masked('no address'), '…');
});

test('what it gets is a sentence', () => {
  const apart = (text) => text.replace(/[\u2068\u2069]/g, '');
  assert.equal(gets({}), 'All changes; payload full');
  const filter = { ...DEFAULTS.filter, priority: ['HIGH', 'URGENT'], tag: ['a'] };
  const said = gets({ events: ['task_created', 'task_deleted'], filter, ignoreOrigin: ['make', 'api'], payload: 'classic' });
  assert.equal(apart(said), 'Created and Deleted; only priority High or Urgent and tag a; not from make or api; payload classic');
  assert.equal(gets({ id: 'alerts', events: ['webhook_down', 'webhook_up'] }), 'Webhook down and Webhook up again');
});

test('every word that is looked for stands somewhere in it', () => {
  const hook = { ...WEBHOOK, description: 'Sales to Make', source: 'make' };
  assert.ok(fits(hook, 'SALES task_created'));
  assert.ok(fits(hook, 'status changed'), 'its events in words');
  assert.ok(!fits(hook, 'sales n8n'));
});

test('a word is found however its letters are composed', () => {
  const [composed, apart] = ['größe', 'gro\u0308ße'];
  for (const description of ['Größe', 'Gro\u0308ße']) {
    for (const q of [composed, apart]) assert.ok(fits({ ...WEBHOOK, description }, q), `${description} by ${q}`);
    assert.ok(!fits({ ...WEBHOOK, description }, 'grüße'), 'another word');
  }
});

test('where its deliveries are, and what those that wait are called', () => {
  assert.equal(deliveriesOf('wh_1', 'held'), '/deliveries?webhook=wh_1&status=held');
  const states = ['up', 'refusing', 'down', 'paused'].map((status) => waitingState({ status }));
  assert.deepEqual(states, ['pending', 'pending', 'held', 'held']);
  assert.deepEqual([{ id: 'default', readOnly: true }, { id: 'alerts', readOnly: true }, WEBHOOK].map(settingOf), ['WEBHOOK_URL', 'ALERT_URL', null]);
});
