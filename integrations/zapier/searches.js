// How a Zap finds a task.
//
// It must not know triggers or what is done with what was found.

import { ask } from './http.js';
import { filled, searchFields, taskOutputFields, taskSample } from './fields.js';

/** Zapier takes the first, or hands on all as line items. */
const AT_MOST = 25;

async function byId(z, bundle, id) {
  const url = `/api/tasks/${encodeURIComponent(id)}`;
  const response = await ask(z, bundle, { url, skipThrowForStatus: true });
  return response.status === 404 ? [] : [response.data];
}

export const findTask = {
  key: 'find_task',
  noun: 'Task',
  display: {
    label: 'Find Task',
    description: 'Finds a task by its ID, a text in it, or its fields. Of several, the newest comes first.',
  },
  operation: {
    inputFields: [
      { key: 'id', label: 'Task ID', type: 'string', helpText: 'If this is filled in, the fields below do not count.' },
      { key: 'q', label: 'Text', type: 'string', helpText: 'Stands in the title or the description.' },
      ...searchFields,
    ],
    async perform(z, bundle) {
      const { id, ...wanted } = filled(bundle.inputData) ?? {};
      if (id) return byId(z, bundle, id);
      if (Object.keys(wanted).length === 0) {
        throw new z.errors.Error('Fill in at least one field to search by.', 'nothing_to_search_by');
      }
      const params = { ...wanted, sort: '-createdAt', limit: AT_MOST };
      const response = await ask(z, bundle, { url: '/api/tasks', params });
      return response.data;
    },
    sample: taskSample,
    outputFields: taskOutputFields,
  },
};
