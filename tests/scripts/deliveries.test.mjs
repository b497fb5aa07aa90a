// deliveries: their order in the list and how pages are put together, what a filter asks for, what may be done with one,
// and its request as a call of curl.

import './page.mjs';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { mayCancel, mayRedeliver } from '../../assets/parts/delivery-actions.js';
import { OUTCOMES, TONES } from '../../assets/parts/delivery-attempts.js';
import { filterOf, FILTERS } from '../../assets/parts/delivery-filters.js';
import { merge, newerThan, order } from '../../assets/parts/delivery-order.js';
import { asCurl } from '../../assets/parts/delivery-request.js';
import { hasOwnNext } from '../../assets/parts/delivery-rows.js';

const { schemas } = JSON.parse(readFileSync(new URL('../../openapi.json', import.meta.url), 'utf8')).components;
const rows = (...ids) => ids.map((id) => ({ id }));

test('the newest event first, by its number, then the webhooks from the last letter to the first', () => {
  const ids = ['dlv_9_wh_b', 'dlv_10_default', 'dlv_9_wh_c', 'dlv_10_wh_a'];
  assert.deepEqual(ids.sort(order), ['dlv_10_wh_a', 'dlv_10_default', 'dlv_9_wh_c', 'dlv_9_wh_b']);
  assert.equal(order('dlv_9_wh_b', 'dlv_9_wh_b'), 0);
});

test('a page takes the place of what lay between its cursors', () => {
  const before = rows('dlv_9_a', 'dlv_8_a', 'dlv_7_a', 'dlv_6_a');
  const page = rows('dlv_8_b', 'dlv_7_a');
  assert.deepEqual(merge(before, page, 'dlv_9_a', 'dlv_7_a'), rows('dlv_9_a', 'dlv_8_b', 'dlv_7_a', 'dlv_6_a'));
  assert.deepEqual(merge(before, page, null, null), page, 'a page that is all there is');
  assert.deepEqual(merge(before, rows('dlv_10_a'), null, 'dlv_10_a'), rows('dlv_10_a', 'dlv_9_a', 'dlv_8_a', 'dlv_7_a', 'dlv_6_a'));
});

test('newer are those above the row at the top', () => {
  assert.equal(newerThan(rows('dlv_12_a', 'dlv_11_b', 'dlv_11_a', 'dlv_9_a'), 'dlv_11_a'), 2);
});

test('a moment of the address is asked for as the server reads it, however it was written', () => {
  const since = (text) => filterOf({ ...FILTERS, since: text }).since;
  assert.equal(since('2026-03-01'), '2026-03-01');
  assert.equal(since('2026-03-01 10:30z'), '2026-03-01T10:30Z');
  assert.equal(since('2026-03-01T10:30:05+02:00'), '2026-03-01T10:30:05+02:00');
  assert.equal(since('2026-03-01T10:30:05 02:00'), '2026-03-01T10:30:05+02:00', 'a plus that was not encoded');
  assert.equal(since('2026-03-01T10:30-05'), '2026-03-01T10:30-05:00');
  assert.equal(since('2026-13-01'), '');
  assert.equal(since('yesterday'), '');
});

test('what has ended may be sent again, what waits may be cancelled, and what is held for its own sake both', () => {
  const may = (status, reason = null) => [mayRedeliver({ status, reason }), mayCancel({ status })];
  for (const status of ['delivered', 'failed', 'cancelled']) assert.deepEqual(may(status), [true, false], status);
  assert.deepEqual(may('pending'), [false, true]);
  assert.deepEqual(may('sending'), [false, false]);
  assert.deepEqual(may('held', 'webhook_down'), [false, true]);
  assert.deepEqual(may('held', 'refused_alone'), [true, true]);
});

test('for what waits for its webhook no request of its own is announced', () => {
  assert.ok(hasOwnNext({ nextAttemptAt: '2026-01-01T00:00:00Z', reason: null }));
  assert.ok(!hasOwnNext({ nextAttemptAt: '2026-01-01T00:00:00Z', reason: 'webhook_down' }));
  assert.ok(!hasOwnNext({ nextAttemptAt: null, reason: null }));
});

test('a request survives the shell, whatever is in it', () => {
  const body = `@it's "quoted" $HOME \`id\` \\ and\nnew lines`;
  const headers = { 'x-a': "it's", 'x-secret': '…', host: 'e.org', 'Content-Length': '3' };
  const script = asCurl({ method: 'POST', url: 'https://e.org/…', headers, body });
  // A curl that says what it was called with.
  const shell = `curl() { printf '%s\\0' "$@"; }\nWEBHOOK_URL=https://e.org/hook\n${script}`;
  const words = execFileSync('sh', ['-c', shell], { encoding: 'utf8' }).split('\0').slice(0, -1);
  assert.deepEqual(words, ['-X', 'POST', 'https://e.org/hook', '-H', "x-a: it's", '-H', 'x-secret: …', '--data-raw', body]);
  assert.match(script, /What is shown as … is a secret/);
});

test('how an attempt may end is what the API names', () => {
  for (const words of [OUTCOMES, TONES]) assert.deepEqual(Object.keys(words), schemas.AttemptOutcome.enum);
});
