// charts: the scales and their marks, and the shares that stand beside them.

import './page.mjs';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linear, logSpans, share, timeMarks } from '../../assets/parts/chart-scales.js';
import { oldestWaiting, percent } from '../../assets/parts/overview-tiles.js';

const labels = ({ marks }) => marks.map(({ label }) => label);

test('a scale from zero ends at a round number, with few marks', () => {
  assert.deepEqual(labels(linear(0)), ['0', '1']);
  assert.deepEqual(labels(linear(7)), ['0', '5', '10']);
  assert.deepEqual(labels(linear(30)), ['0', '10', '20', '30']);
  assert.deepEqual(labels(linear(31)), ['0', '20', '40']);
  assert.deepEqual(labels(linear(3_500)), ['0', '2K', '4K']);
  for (const most of [1, 2, 3, 9, 10, 11, 99, 101, 12_345, 1e9]) {
    const { place, marks } = linear(most);
    assert.ok(marks.length >= 2 && marks.length <= 4, `${most} has ${marks.length} marks`);
    assert.ok(place(most) <= 1 && place(most) > 0.5, `${most} stands at ${place(most)}`);
    assert.equal(place(marks.at(-1).at), 1);
  }
});

test('a share goes from nothing to all', () => {
  assert.deepEqual(labels(share()), ['0 %', '25 %', '50 %', '75 %', '100 %']);
  assert.equal(share().place(0.25), 0.25);
});

test('spans stand by their powers, between the round ones around them', () => {
  const scale = logSpans(40, 900);
  assert.deepEqual(labels(scale), ['10 ms', '100 ms', '1 s']);
  assert.deepEqual([10, 100, 1_000].map((ms) => scale.place(ms).toFixed(2)), ['0.00', '0.50', '1.00']);
  assert.deepEqual([scale.place(1), scale.place(5_000)], [0, 1], 'what lies outside stays at the edge');
  assert.deepEqual(labels(logSpans(0, 0)), ['1 ms', '10 ms']);
});

test('marks of time stand where a round time of the reader’s clock begins', () => {
  const from = Date.parse('2026-03-10T03:50:00Z'); // ten to midnight in New York
  const points = Array.from({ length: 61 }, (_, n) => ({ at: new Date(from + n * 60_000).toISOString() }));
  const told = timeMarks(points, 4).map(({ index, label }) => `${index} ${label.replaceAll('\u202f', ' ')}`);
  assert.deepEqual(told, ['10 12:00 AM', '25 12:15 AM', '40 12:30 AM', '55 12:45 AM']);
  const week = Array.from({ length: 168 }, (_, n) => ({ at: new Date(from + n * 3_600_000).toISOString() }));
  const days = timeMarks(week, 8).map(({ index, label }) => `${index} ${label}`);
  assert.deepEqual(days, ['1 Mar 10', '25 Mar 11', '49 Mar 12', '73 Mar 13', '97 Mar 14', '121 Mar 15', '145 Mar 16']);
});

test('all is said only of all', () => {
  assert.deepEqual([percent(0, 0), percent(3, 3), percent(9_999, 10_000), percent(1, 3)], ['–', '100 %', '99.9 %', '33.3 %']);
});

test('the oldest that waits, over all webhooks', () => {
  const figures = [{ webhookId: 'a', oldestWaitingAt: null }, { webhookId: 'b', oldestWaitingAt: '2026-01-02' }, { webhookId: 'c', oldestWaitingAt: '2026-01-01' }];
  assert.equal(oldestWaiting(figures).webhookId, 'c');
  assert.equal(oldestWaiting(figures.slice(0, 1)), null);
});
