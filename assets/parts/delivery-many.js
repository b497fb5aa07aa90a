// delivery-many: sending again or cancelling all deliveries that a filter finds: the question with their number, and
// the lines that show how far such jobs are. Must not know which page it is on.

import { get, send } from './api.js';
import { confirm } from './dialog.js';
import { h, keepFocus, put } from './dom.js';
import { button } from './form.js';
import { sayError, toast } from './toast.js';
import { count, many } from './words.js';

const deliveries = (n) => many(n, 'delivery', 'deliveries');

const ACTIONS = {
  redeliver: {
    none: 'Nothing in this list can be sent again: only what has ended, or is held for its own sake.',
    title: (n) => `Redeliver ${deliveries(n)}?`,
    text:
      'All in this list that have ended or are held for their own sake go out again, the oldest first and with the same ' +
      'webhook-id. What has arrived before arrives a second time. What comes later is left alone.',
    yes: (n) => `Redeliver ${count(n)}`,
    tone: 'first',
    begun: 'They are being put in line; it goes on when you close this page.',
    runs: 'Redelivering',
  },
  cancel: {
    none: 'Nothing in this list waits, so there is nothing to cancel.',
    title: (n) => `Cancel ${deliveries(n)}?`,
    text:
      'All in this list that wait, pending or held, are not sent any more, and later changes of their tasks go out ' +
      'without them. What comes later is left alone. You can redeliver them later.',
    yes: (n) => `Cancel ${count(n)}`,
    tone: 'danger',
    begun: 'They are being cancelled; it goes on when you close this page.',
    runs: 'Cancelling',
  },
};

/** The address of an action with those that are meant. Without a filter all there are now are. */
function path(action, filter, more = {}) {
  const given = Object.entries(filter).filter(([, value]) => value);
  const meant = given.length > 0 ? Object.fromEntries(given) : { until: new Date().toISOString() };
  return `/api/deliveries/${action}?${new URLSearchParams({ ...meant, ...more })}`;
}

/**
 * Counts, asks, and begins.
 * @param {'redeliver'|'cancel'} action
 * @param {ReturnType<typeof import('./delivery-filters.js').filterOf>} filter the query of the list
 */
export async function askMany(action, filter) {
  const says = ACTIONS[action];
  try {
    const { wouldChange } = (await send('POST', path(action, filter, { dryRun: true }))).data;
    if (wouldChange === 0) return toast(says.none);
    const { text, tone } = says;
    if (!(await confirm({ title: says.title(wouldChange), text, yes: says.yes(wouldChange), tone }))) return;
    await send('POST', path(action, filter));
    toast(says.begun, { tone: 'good' });
  } catch (error) {
    sayError(error);
  }
}

/**
 * The lines of the jobs under way; `refresh` reads how far they are.
 */
export function jobsBanner() {
  const element = h('div', { class: 'recoveries', role: 'status', 'aria-live': 'off', data: { test: 'jobs' } });
  let stamp = '';
  const refresh = async () => {
    const running = (await get('/api/jobs')).data.filter(({ state }) => state === 'running');
    const now = JSON.stringify(running);
    if (now === stamp) return;
    stamp = now;
    keepFocus(() => put(element, running.map(line)));
  };
  return Object.assign(element, { refresh });
}

/** @param {Api.Job} job */
function line({ id, action, changed, expected, progress }) {
  const end = async () => {
    try {
      await send('DELETE', `/api/jobs/${id}`);
      toast(`Ended. ${deliveries(changed)} had been dealt with; the rest are as they were.`);
    } catch (error) {
      sayError(error);
    }
  };
  return h(
    'div',
    { class: 'note recovery-line' },
    h('span', { class: 'strong' }, ACTIONS[action].runs),
    h('progress', { max: '1', value: progress, 'aria-label': 'How much has been looked at' }),
    h('span', { class: 'soft' }, expected === null ? deliveries(changed) : `${count(changed)} of ${deliveries(expected)}`),
    button('End it', { class: 'small', data: { key: `job-${id}` } }, end),
  );
}
