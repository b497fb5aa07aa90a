// delivery-order: where a delivery stands in the list, and how a page that came later goes in. Must not fetch or draw.

/**
 * The place of a delivery by its id `dlv_<order of the event>_<webhook>`.
 * @param {string} id
 */
function placeOf(id) {
  const cut = id.indexOf('_', 4);
  return { seq: Number(id.slice(4, cut)), webhook: id.slice(cut + 1) };
}

/**
 * Below zero if `a` stands above `b`: the newest event first, then the webhooks from the last letter to the first.
 * @param {string} a
 * @param {string} b
 */
export function order(a, b) {
  const [one, other] = [placeOf(a), placeOf(b)];
  if (one.seq !== other.seq) return other.seq - one.seq;
  if (one.webhook === other.webhook) return 0;
  return one.webhook < other.webhook ? 1 : -1;
}

/**
 * The rows with a page in its place: whatever lies between `after` and `upTo` is as the page says.
 * @template {{id: string}} Row
 * @param {Row[]} rows
 * @param {Row[]} page
 * @param {string|null} after the cursor that the page was asked with; null at the top
 * @param {string|null} upTo the cursor of the page that follows; null if there is none
 * @returns {Row[]}
 */
export function merge(rows, page, after, upTo) {
  const above = after ? rows.filter(({ id }) => order(id, after) <= 0) : [];
  const below = upTo ? rows.filter(({ id }) => order(id, upTo) > 0) : [];
  return [...above, ...page, ...below];
}

/**
 * How many of a page are newer than the row at the top.
 * @param {{id: string}[]} page
 * @param {string} top its id
 */
export const newerThan = (page, top) => page.filter(({ id }) => order(id, top) < 0).length;
