// What a Zap can do to a task: create, update, delete.
//
// It must not know triggers.

import { createHash } from 'node:crypto';

import { ask } from './http.js';
import { isTask, pathOf } from './tasks.js';
import { CHANGE, CLEARABLE, NEW_TASK } from './api-fields.js';
import { SAMPLE } from './api-samples.js';
import { given, listOf, taskOutputFields } from './fields.js';

const output = { sample: SAMPLE, outputFields: taskOutputFields };

/** The task that an action is about. */
const taskToChoose = {
  key: 'id',
  label: 'Task',
  type: 'string',
  required: true,
  dynamic: 'list_tasks.id.title',
  search: 'find_task.id',
  helpText: 'Pick a task, or put in an ID from an earlier step. The list shows the 100 tasks that changed last.',
};

/** A header holds few characters; what does not fit, such as a subject line, is told apart by its digest. */
const keyOf = (text) =>
  /^[!-~]{1,255}$/.test(text) ? text : createHash('sha256').update(String(text)).digest('hex');

const newTaskFields = [
  ...NEW_TASK,
  {
    key: 'idempotencyKey',
    label: 'Create Only Once Per',
    type: 'string',
    helpText:
      'Optional. Map something that stands for the record behind this task, such as an order number: within ' +
      '48 hours the same value with the same fields makes one task only, however often the Zap repeats it.',
  },
];

export const createTask = {
  key: 'create_task',
  noun: 'Task',
  display: { label: 'Create Task', description: 'Creates a task.' },
  operation: {
    inputFields: newTaskFields,
    async perform(z, bundle) {
      const { idempotencyKey, ...task } = given(bundle, newTaskFields);
      return ask(z, bundle, {
        method: 'POST',
        url: '/api/tasks',
        headers: idempotencyKey ? { 'Idempotency-Key': keyOf(idempotencyKey) } : {},
        body: task,
        looksRight: isTask,
      });
    },
    ...output,
  },
};

const changeFields = [
  taskToChoose,
  ...CHANGE,
  {
    key: 'clear',
    label: 'Fields to Clear',
    type: 'string',
    list: true,
    choices: CLEARABLE,
    helpText:
      'An empty field above changes nothing, so a value that was mapped but is missing does no harm. ' +
      'To empty a field of the task, name it here.',
  },
];

export const updateTask = {
  key: 'update_task',
  noun: 'Task',
  display: {
    label: 'Update Task',
    description: 'Changes the fields of a task that you fill in. The others stay as they are.',
  },
  operation: {
    inputFields: changeFields,
    async perform(z, bundle) {
      const { id, clear, ...changes } = given(bundle, changeFields);
      for (const key of listOf(clear)) {
        if (key in changes) {
          throw new z.errors.Error(
            `${CLEARABLE[key]} is filled in and stands in Fields to Clear as well. Do one of the two.`,
            'cleared_and_filled',
          );
        }
        changes[key] = null;
      }
      return ask(z, bundle, { method: 'PATCH', url: pathOf(id, z), body: changes, looksRight: isTask });
    },
    ...output,
  },
};

export const deleteTask = {
  key: 'delete_task',
  noun: 'Task',
  display: { label: 'Delete Task', description: 'Deletes a task for good.' },
  operation: {
    inputFields: [
      {
        key: 'irreversible',
        type: 'copy',
        helpText:
          'A deleted task cannot be brought back. To keep it on record, use **Update Task** and set its status to ' +
          'Cancelled.',
      },
      taskToChoose,
    ],
    async perform(z, bundle) {
      const looksRight = (data) => isTask(data?.task);
      const url = pathOf(bundle.inputData.id, z);
      return (await ask(z, bundle, { method: 'DELETE', url, looksRight })).task;
    },
    ...output,
  },
};
