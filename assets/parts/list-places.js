// list-places: where each row of a long list begins, though most have never been drawn. Must not touch the page.

/**
 * Where rows begin: `top` of a row, the row `at` a height, and what is learned of heights (whether any is another than
 * was thought).
 * @typedef {{arrange: () => void, top: (index: number) => number, at: (y: number) => number, forget: () => void,
 *   learn: (rows: {index: number, height: number}[]) => boolean}} Places
 */

/**
 * Rows of one height.
 * @param {number} height
 * @returns {Places}
 */
export const even = (height) => ({
  arrange() {},
  top: (index) => index * height,
  at: (y) => Math.floor(y / height),
  learn: () => false,
  forget() {},
});

/**
 * Rows as high as they need. How high one is shows when it is drawn; until then a guess stands for it.
 * @param {{guess: () => number, gap: number, key: (index: number) => string, known: () => number}} options `gap`: what
 *   is free between two; `known`: how many rows, from the first, have names by now; those behind them are on their way
 * @returns {Places}
 */
export function uneven({ guess, gap, key, known }) {
  /** @type {Map<string, number>} by name, of all that were ever drawn */
  const heights = new Map();
  let tops = [0]; // of the known ones, and where the last of them ends

  /** Counts anew from one row on. */
  function arrange(from = 0) {
    const n = known();
    tops.length = Math.min(from, n) + 1;
    for (let index = tops.length - 1; index < n; index += 1) {
      tops.push(tops[index] + (heights.get(key(index)) ?? guess()));
    }
  }

  const last = () => tops.length - 1;
  const top = (index) => (index <= last() ? tops[index] : tops[last()] + (index - last()) * guess());

  return {
    arrange,
    top,
    at(y) {
      if (y >= tops[last()]) return last() + Math.floor((y - tops[last()]) / guess());
      let [low, high] = [0, last()];
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (tops[middle] <= y) low = middle;
        else high = middle - 1;
      }
      return low;
    },
    /** Learns how high some rows are. */
    learn(rows) {
      let first = Infinity;
      for (const { index, height } of rows) {
        heights.set(key(index), height + gap);
        if (top(index + 1) - top(index) !== height + gap) first = Math.min(first, index);
      }
      if (first < last()) arrange(first);
      return first < last();
    },
    /** All heights are others now. */
    forget() {
      heights.clear();
      arrange();
    },
  };
}
