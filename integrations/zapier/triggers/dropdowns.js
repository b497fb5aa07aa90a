// Hidden triggers that fill dropdowns: Zapier asks them, no person sees them.
//
// They must not know which field uses them.

import { ask } from '../http.js';
import { isListOf, isTask } from '../tasks.js';

function dropdown(key, what, perform) {
  return {
    key,
    noun: 'Choice',
    display: { label: `List ${what}`, description: `Fills the dropdowns of ${what.toLowerCase()}.`, hidden: true },
    operation: { type: 'polling', perform },
  };
}

/** What a field of tasks may hold, as the server says it. */
function values(field, what) {
  return dropdown(`list_${field}`, what, async (z, bundle) => {
    const looksRight = isListOf((one) => typeof one?.value === 'string');
    const choices = await ask(z, bundle, { url: `/api/meta/${field}`, looksRight });
    return choices.map(({ value, label }) => ({ id: value, label }));
  });
}

/** The newest page alone: Zapier pages by number, the server by cursor, and an ID can be put in instead. */
const tasks = dropdown('list_tasks', 'Tasks', async (z, bundle) => {
  const params = { sort: '-updatedAt', limit: 100 };
  const found = await ask(z, bundle, { url: '/api/tasks', params, looksRight: isListOf(isTask) });
  return found.map(({ id, title }) => ({ id, title }));
});

export const dropdowns = [
  values('statuses', 'Statuses'),
  values('priorities', 'Priorities'),
  values('types', 'Types'),
  values('categories', 'Categories'),
  tasks,
];
