// task-fates: what became of the webhooks of the tasks in sight. Must not know where they are shown.

import { get } from './api.js';

/**
 * The delivery of a task's newest event that is furthest from done, and how many of that event stand where.
 * @typedef {{status: Api.DeliveryStatus, reasonText: string|null, counts?: Api.DeliveryCounts}} Fate
 */

/** Tasks in one question. */
const MOST = 100;

/** States that are not asked for again without a change: any other may be redelivered at any time. */
const ENDED = ['delivered'];

/**
 * The fates of tasks.
 * @param {() => void} onChange called when any is another than before
 */
export function taskFates(onChange) {
  /** @type {Map<string, Fate|null>} by the id of the task; null where there is none */
  const fates = new Map();
  const stale = new Set(); // ids that have changed since they were asked for
  const before = new Map(); // task id → its fate before a change that is not known to have happened
  let isAsking = false;
  /** @type {string[]|null} */
  let again = null;

  const isOpen = (id) => {
    const fate = fates.get(id);
    return stale.has(id) || fate === undefined || (fate !== null && !ENDED.includes(fate.status));
  };

  /** @param {string[]} ids */
  async function ask(ids) {
    for (const id of ids) stale.delete(id);
    let answer;
    try {
      answer = await get('/api/deliveries/latest', { taskId: ids.join(',') });
    } catch (error) {
      for (const id of ids) stale.add(id);
      throw error;
    }
    const byTask = new Map(answer.data.map((delivery) => [delivery.taskId, delivery]));
    let isOther = false;
    for (const id of ids) {
      const found = byTask.get(id);
      const now = found ? { status: found.status, reasonText: found.reasonText, counts: found.counts } : null;
      isOther ||= JSON.stringify(now) !== JSON.stringify(fates.get(id) ?? null);
      fates.set(id, now);
      before.delete(id);
    }
    if (isOther) onChange();
  }

  async function refresh(ids) {
    if (isAsking) {
      again = ids;
      return;
    }
    isAsking = true;
    try {
      const wanted = ids.filter(isOpen);
      for (let n = 0; n < wanted.length; n += MOST) await ask(wanted.slice(n, n + MOST));
    } catch (error) {
      // The marks stay as they were; the next change asks again.
      if (error.status === undefined) console.error(error);
    } finally {
      isAsking = false;
    }
    if (!again) return;
    const next = again;
    again = null;
    await refresh(next);
  }

  return {
    of: (id) => fates.get(id) ?? undefined,
    /** Asks for those of these that may have changed; one question at a time, and the newest wish is asked next. */
    refresh,
    /** A change of this task is known to have made an event: until the server says more, it waits. */
    touch(id) {
      stale.add(id);
      if (!fates.get(id)) return;
      if (!before.has(id)) before.set(id, fates.get(id));
      fates.set(id, { status: 'pending', reasonText: 'Its last change is on its way.' });
    },
    /** Nothing came of that change. */
    restore(id) {
      if (!before.has(id)) return;
      fates.set(id, before.get(id));
      before.delete(id);
      onChange();
    },
  };
}
