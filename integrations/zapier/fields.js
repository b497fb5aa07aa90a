// What a task and an event look like in Zapier: the fields to map; and what of a form was filled in.
//
// It must not know requests, nor which fields there are: api-fields.js has them.

import { EVENT, TASK } from './api-fields.js';

function taskOutput(before, word) {
  return TASK.flatMap(({ key, label, each, ...rest }) =>
    each
      ? each.map((one) => ({ ...one, key: `${before}${key}[]${one.key}`, label: `${word}${label} ${one.label}` }))
      : [{ ...rest, key: before + key, label: word + label }],
  );
}

export const taskOutputFields = taskOutput('', '');

/** `hasPrevious`: whether these events say how the task was before; a new task was not. */
export function eventOutputFields(hasPrevious) {
  return [
    ...EVENT.map((field) => (field.key === 'id' ? { ...field, primary: true } : field)),
    ...(hasPrevious ? taskOutput('previous__', 'Previous ') : [{ key: 'previous', label: 'Previous' }]),
    ...taskOutput('task__', 'Task '),
  ];
}

/** What was filled in of these fields. Zapier may put more beside them, such as the settings of a search step. */
export function given(bundle, fields) {
  const known = fields.map(({ key }) => [key, bundle.inputData?.[key]]);
  return filled(Object.fromEntries(known)) ?? {};
}

/** What a field with several values holds: one alone may come as itself. */
export const listOf = (value) => (value === undefined ? [] : [value].flat());

/** `value` without what a person left empty: Zapier may send it as null, "", [] or {}. Undefined if nothing is left. */
function filled(value) {
  if (value === null || value === undefined || value === '') return undefined;
  if (Array.isArray(value)) {
    const kept = value.map(filled).filter((one) => one !== undefined);
    return kept.length > 0 ? kept : undefined;
  }
  if (typeof value === 'object') {
    const kept = Object.entries(value)
      .map(([key, one]) => [key, filled(one)])
      .filter(([, one]) => one !== undefined);
    return kept.length > 0 ? Object.fromEntries(kept) : undefined;
  }
  return value;
}
