// address: the values of a page in its address: what is read, what is not known, and which steps Back goes.

import { addressBar } from './page.mjs';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { address } from '../../assets/parts/address.js';
import { CLOSED, FILTERS, WAYS } from '../../assets/parts/delivery-filters.js';

const DEFAULTS = { q: '', sort: 'name', status: '', open: '' };

function at(search, also = {}) {
  const bar = addressBar(search);
  const told = [];
  const here = address(DEFAULTS, (values) => told.push(values), { sort: ['age'], status: ['a', 'b'] }, { several: ['status'], also });
  return { bar, here, told };
}

test('what the address says, and the default for the rest', () => {
  const { here } = at('?q=x%20y&status=b,a,b&sort=age');
  assert.deepEqual(here.values, { q: 'x y', sort: 'age', status: 'b,a', open: '' });
  assert.deepEqual(here.unknown, []);
  assert.deepEqual([here.isSet('open'), here.isSet('open', 'q')], [false, true]);
});

test('what is not known stays in the address until it is left out', () => {
  const { here, bar } = at('?status=a,z&sort=no&nonsense=1&q=one&q=two');
  assert.deepEqual(here.unknown, [['status', 'z'], ['sort', 'no'], ['nonsense', '1'], ['q', 'two']]);
  here.set({ q: 'three' });
  assert.deepEqual(bar.steps(), ['?q=three&status=a&status=z&sort=no&nonsense=1']);
  here.forget();
  assert.equal(bar.steps().at(-1), '?q=three&status=a');
});

test('another name of the API is taken for ours, and set, it is replaced', () => {
  const { here, bar } = at('?state=a', { state: 'status' });
  assert.equal(here.values.status, 'a');
  here.set({ status: 'b' });
  assert.deepEqual(bar.steps(), ['?status=b']);
});

test('a choice is a step, and all that is typed in one go is one', () => {
  const { here, bar, told } = at('');
  here.set({ sort: 'age' }, { push: true });
  for (const q of ['a', 'ab', 'abc']) here.set({ q }, { typing: 'q' });
  assert.deepEqual(bar.steps(), ['', '?sort=age', '?q=abc&sort=age']);
  assert.equal(told.length, 4);
});

test('what was opened by a step is closed by going back', () => {
  const { here, bar } = at('?q=x');
  here.set({ open: 't1' }, { push: true });
  assert.deepEqual(bar.steps(), ['?q=x', '?q=x&open=t1']);
  here.set({ open: '' });
  assert.deepEqual(bar.steps(), ['?q=x']);
});

test('the filters of deliveries are read by the names of the API, too', () => {
  addressBar('?webhookId=wh_1&taskId=t1&status=failed,held&since=2026-03-01&until=never');
  const { values, unknown } = address(FILTERS, () => {}, CLOSED, WAYS);
  assert.deepEqual(values, { ...FILTERS, webhook: 'wh_1', task: 't1', status: 'failed,held', since: '2026-03-01' });
  assert.deepEqual(unknown, [['until', 'never']]);
});
