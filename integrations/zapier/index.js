// The app as Zapier loads it: what there is, under which key.
//
// It must not know how any of it works.

import { version as platformVersion } from 'zapier-platform-core';

import packageJson from './package.json' with { type: 'json' };
import authentication from './authentication.js';
import { toServer, explainProblem } from './http.js';
import { createTask, updateTask, deleteTask } from './creates.js';
import { findTask } from './searches.js';
import { newTask, updatedTask, taskStatusChanged, deletedTask } from './triggers/task-events.js';
import { dropdowns } from './triggers/dropdowns.js';

function byKey(...entries) {
  const keyed = Object.fromEntries(entries.map((entry) => [entry.key, entry]));
  if (Object.keys(keyed).length < entries.length) throw new Error('a key stands twice');
  return keyed;
}

export default {
  version: packageJson.version,
  platformVersion,
  authentication,
  beforeRequest: [toServer],
  afterResponse: [explainProblem],
  flags: {
    // 429 comes to explainProblem, which has the server's own sentence.
    throwForThrottlingEarly: false,
    // What counts as empty is said by given() in fields.js alone.
    cleanInputData: false,
  },
  triggers: byKey(newTask, updatedTask, taskStatusChanged, deletedTask, ...dropdowns),
  creates: byKey(createTask, updateTask, deleteTask),
  searches: byKey(findTask),
  searchOrCreates: {
    [findTask.key]: {
      key: findTask.key,
      display: {
        label: 'Find or Create Task',
        description: 'Finds a task, or creates one if there is none.',
      },
      search: findTask.key,
      create: createTask.key,
    },
  },
};
