// webhook-names: how webhooks are called, for places that know only their ids. Must not know where they are shown.

import { get } from './api.js';
import { nameOf } from './webhook-words.js';

const MOST = 1_000; // of a page of the API: more than there can be
const names = new Map();

/**
 * How these are called; asked of the server only where one is not known yet. One that was deleted keeps its id.
 * @param {string[]} ids
 * @returns {Promise<(id: string) => string>}
 */
export async function namesOf(ids) {
  if (ids.some((id) => !names.has(id))) {
    for (const id of ids) names.set(id, names.get(id) ?? id);
    const { data } = await get('/api/webhooks', { limit: MOST });
    for (const webhook of data) names.set(webhook.id, nameOf(webhook));
  }
  return (id) => names.get(id);
}
