// How a Zap finds a task.
//
// It must not know triggers or what is done with what was found.

import { ask } from './http.js';
import { isListOf, isTask, pathOf } from './tasks.js';
import { FILTERS } from './api-fields.js';
import { SAMPLE } from './api-samples.js';
import { given, taskOutputFields } from './fields.js';

/** Zapier takes the first, or hands on all as line items. */
const AT_MOST = 25;

async function byId(z, bundle, id) {
  const task = await ask(z, bundle, { url: pathOf(id, z), skipThrowForStatus: true, looksRight: isTask });
  return task ? [task] : [];
}

const byWhat = [
  { key: 'id', label: 'Task ID', type: 'string', helpText: 'If this is filled in, the fields below do not count.' },
  ...FILTERS,
];

export const findTask = {
  key: 'find_task',
  noun: 'Task',
  display: {
    label: 'Find Task',
    description: 'Finds a task by its ID, a text in it, or its fields. Of several, the newest comes first.',
  },
  operation: {
    inputFields: byWhat,
    async perform(z, bundle) {
      const { id, ...wanted } = given(bundle, byWhat);
      if (id) return byId(z, bundle, id);
      if (Object.keys(wanted).length === 0) {
        throw new z.errors.Error('Fill in at least one field to search by.', 'nothing_to_search_by');
      }
      const params = { ...wanted, sort: '-createdAt', limit: AT_MOST };
      return ask(z, bundle, { url: '/api/tasks', params, looksRight: isListOf(isTask) });
    },
    sample: SAMPLE,
    outputFields: taskOutputFields,
  },
};
