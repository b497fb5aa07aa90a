// setup: what is Make, and what to do about an answer of it or about what was refused to it.

import './page.mjs';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adviceOnReceived, adviceOnTest } from '../../assets/parts/setup-advice.js';
import { hostOf, isMake, isMakeHost } from '../../assets/parts/setup-make.js';
import { isTaken } from '../../assets/parts/test-result.js';

const title = (result, readOnly = false) => adviceOnTest({ status: null, error: null, excerpt: null, ...result }, { readOnly })?.title ?? null;

test('Make is known by its hosts, and by nothing that only looks like one', () => {
  const hosts = ['hook.eu1.make.com', 'MAKE.COM', 'eu1.make.celonis.com', 'hook.integromat.com', 'make.com.evil.org', 'notmake.com'];
  assert.deepEqual(hosts.map(isMakeHost), [true, true, true, true, false, false]);
  assert.equal(hostOf(' https://hook.eu1.make.com/abc '), 'hook.eu1.make.com');
  assert.equal(hostOf('hook.eu1.make.com'), '');
});

test('a webhook leads to Make by its host, its source or its profile', () => {
  const webhook = { id: 'wh_1', url: 'https://e.org/…', source: null, profile: 'auto' };
  assert.deepEqual([{}, { url: 'https://hook.us1.make.com/…' }, { source: 'make' }, { profile: 'make' }].map((more) => isMake({ ...webhook, ...more })), [false, true, true, true]);
});

test('only an answer with 2xx was taken', () => {
  assert.deepEqual([{ status: 200 }, { status: 299 }, { status: 301 }, { status: 404 }, { status: null }, null].map(isTaken), [true, true, false, false, false, false]);
});

test('each answer to a test has its advice, and none where all is well', () => {
  assert.equal(title({ status: 200 }), null);
  assert.equal(title({ status: 400, excerpt: 'Queue is full.' }), 'Make’s queue is full');
  assert.equal(title({ status: 302 }), 'The address leads elsewhere');
  for (const status of [400, 401, 403, 404, 410, 413, 418, 429, 500, 503]) assert.ok(title({ status }), String(status));
});

test('no answer is told apart by what the error says', () => {
  assert.equal(title({ error: 'The connection was refused' }), 'Nothing listens there');
  assert.equal(title({ error: 'not one of WEBHOOK_ALLOW_TARGETS' }), 'The address is not a public one');
  assert.equal(title({ error: 'something new' }), 'The connection could not be made');
});

test('the way to mend an address depends on where the webhook was set', () => {
  const steps = (readOnly) => adviceOnTest({ status: 302, error: null, excerpt: null }, { readOnly }).steps.join(' ');
  assert.match(steps(true), /WEBHOOK_URL in the settings/);
  assert.match(steps(false), /Use another address/);
});

test('each refusal of what comes in has its advice', () => {
  const received = (status, error = null) => adviceOnReceived({ status, error }).title;
  assert.equal(received(401, 'Missing secret: …'), 'The secret was not sent');
  assert.equal(received(401, 'Wrong secret'), 'It is not the secret of this server');
  assert.equal(received(400, 'The body is not valid JSON'), 'The JSON broke');
  assert.equal(received(422, 'title is missing'), 'A new task needs a title');
  assert.equal(received(429, 'Too many wrong secrets'), 'Too many wrong secrets');
  assert.equal(received(429, 'Too many requests'), 'More came in than is allowed');
  assert.equal(received(500, 'WEBHOOK_SECRET is not configured'), 'WEBHOOK_SECRET is not set');
  assert.equal(received(503), 'The server could not take it');
  assert.equal(received(418), 'It was not taken');
});
