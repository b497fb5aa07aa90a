// time: moments and spans as people read them, by a clock in New York.

import './page.mjs';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { date, due, dueFields, dueOf, fromLocalField, full, hour, inLocalTime, isOverdue, span, toLocalField } from '../../assets/parts/time.js';

const NOW = Date.parse('2026-03-10T12:00:00Z');
// Some versions of ICU set the hour off by a narrow space.
const plain = (text) => text.replaceAll('\u202f', ' ');

test('a span has the unit that fits it', () => {
  const said = [0, 84.4, 1_240, 9_990, 12_000, 119_000, 120_000, 7_199_000, 7_200_000, 172_799_000, 172_800_000];
  assert.deepEqual(said.map(span), ['0 ms', '84 ms', '1.2 s', '10.0 s', '12 s', '119 s', '2 min', '120 min', '2 h', '48 h', '2 d']);
  assert.equal(span(null), '–');
});

test('a moment is told by the clock of the reader', () => {
  assert.equal(plain(full('2026-03-10T03:04:05Z')), 'Mar 9, 2026, 11:04:05 PM');
  assert.equal(plain(hour('2026-03-10T03:04:05Z')), '11:04 PM');
  assert.equal(date('2026-03-10T03:04:05Z', NOW), 'Mar 9');
  assert.equal(date('2025-12-31T12:00:00Z', NOW), 'Dec 31, 2025');
});

test('moments within a sentence of the server become the reader’s, and the rest stays', () => {
  const said = inLocalTime('Held since 2026-03-10T03:04:05.678Z: 2026-03-10 is no moment.');
  assert.equal(plain(said), 'Held since Mar 9, 2026, 11:04:05 PM: 2026-03-10 is no moment.');
  assert.equal(inLocalTime(null), null);
});

test('a due date without an hour is the same day in every zone', () => {
  assert.equal(due('2026-03-10T00:00:00.000Z', NOW), 'Mar 10');
  assert.equal(plain(due('2026-03-10T03:00:00.000Z', NOW)), 'Mar 9, 11:00 PM');
  assert.equal(due('2027-01-01T00:00:00.000Z', NOW), 'Jan 1, 2027');
});

test('a day is over when it is over for the reader; an hour when it has passed', () => {
  const evening = Date.parse('2026-03-10T23:00:00-04:00'); // the 11th in UTC
  assert.ok(!isOverdue('2026-03-10T00:00:00.000Z', evening));
  assert.ok(isOverdue('2026-03-10T00:00:00.000Z', evening + 3_600_000));
  assert.ok(isOverdue('2026-03-11T02:59:00.000Z', evening));
  assert.ok(!isOverdue('2026-03-11T03:01:00.000Z', evening));
});

test('a due date goes through the fields of a form and back', () => {
  assert.deepEqual(dueFields('2026-03-10T00:00:00.000Z'), { day: '2026-03-10', hour: '' });
  assert.deepEqual(dueFields('2026-03-10T03:05:00.000Z'), { day: '2026-03-09', hour: '23:05' });
  assert.deepEqual(dueFields(null), { day: '', hour: '' });
  assert.equal(dueOf('2026-03-09', '23:05'), '2026-03-10T03:05:00.000Z');
  assert.equal(dueOf('2026-03-10', ''), '2026-03-10');
  assert.equal(dueOf('', '23:05'), null);
});

test('a moment goes through a field of local time and back, over the change of the clocks', () => {
  for (const iso of ['2026-03-08T06:59:00.000Z', '2026-03-08T07:00:00.000Z', '2026-07-01T00:00:00.000Z']) assert.equal(fromLocalField(toLocalField(iso)), iso);
  assert.equal(toLocalField('2026-07-01T00:00:00Z'), '2026-06-30T20:00');
  assert.equal(fromLocalField('never'), '');
});
