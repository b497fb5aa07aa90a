// places: where the rows of a long list begin, of one height and of heights that are learned.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { even, uneven } from '../../assets/parts/list-places.js';

/** Rows with these names, guessed at 100 with a gap of 6. */
function rowsOf(names) {
  const rows = { names, guess: 100 };
  rows.places = uneven({ guess: () => rows.guess, gap: 6, key: (n) => rows.names[n], known: () => rows.names.length });
  rows.places.arrange();
  return rows;
}

test('rows of one height stand one below the other', () => {
  const places = even(40);
  assert.deepEqual([places.top(3), places.at(119), places.at(120)], [120, 2, 3]);
});

test('a row that nobody has seen has the height of the guess, also beyond those that are known', () => {
  const { places } = rowsOf(['a', 'b']);
  assert.deepEqual([0, 1, 2, 5].map(places.top), [0, 100, 200, 500]);
  assert.deepEqual([0, 99, 100, 250, 499].map(places.at), [0, 0, 1, 2, 4]);
});

test('what is learned moves the rows below, and says whether it did', () => {
  const { places } = rowsOf(['a', 'b', 'c']);
  assert.equal(places.learn([{ index: 1, height: 44 }]), true);
  assert.deepEqual([0, 1, 2, 3].map(places.top), [0, 100, 150, 250]);
  assert.deepEqual([99, 100, 149, 150].map(places.at), [0, 1, 1, 2]);
  assert.equal(places.learn([{ index: 1, height: 44 }]), false, 'nothing new');
});

test('a height belongs to its row, wherever that is by now', () => {
  const rows = rowsOf(['a', 'b', 'c']);
  rows.places.learn([{ index: 0, height: 20 }]);
  rows.names = ['new', 'a', 'b', 'c'];
  rows.places.arrange();
  assert.deepEqual([0, 1, 2].map(rows.places.top), [0, 100, 126]);
});

test('where all heights are others, the guess stands for them again', () => {
  const rows = rowsOf(['a', 'b']);
  rows.places.learn([{ index: 0, height: 20 }]);
  rows.guess = 50;
  rows.places.forget();
  assert.deepEqual([0, 1, 2].map(rows.places.top), [0, 50, 100]);
});

test('the row at a height is found among very many', () => {
  const { places } = rowsOf(Array.from({ length: 50_000 }, (_, n) => `row-${n}`));
  for (const index of [0, 1, 24_999, 49_999]) assert.deepEqual([places.at(places.top(index)), places.at(places.top(index + 1) - 1)], [index, index]);
});
