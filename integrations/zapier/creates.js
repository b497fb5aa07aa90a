// What a Zap can do to a task: create, update, delete.
//
// It must not know triggers.

import { ask } from './http.js';
import { CLEARABLE, filled, taskInputFields, taskOutputFields, taskSample } from './fields.js';

const output = { sample: taskSample, outputFields: taskOutputFields };

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

const pathOf = (id) => `/api/tasks/${encodeURIComponent(id)}`;

export const createTask = {
  key: 'create_task',
  noun: 'Task',
  display: { label: 'Create Task', description: 'Creates a task.' },
  operation: {
    inputFields: [
      { key: 'title', label: 'Title', type: 'string', required: true },
      ...taskInputFields({
        status: 'Open if left empty.',
        priority: 'Normal if left empty.',
        lists: 'None if left empty.',
      }),
      {
        key: 'idempotencyKey',
        label: 'Create Only Once Per',
        type: 'string',
        helpText:
          'Optional. Map something that stands for the record behind this task, such as an order number: within ' +
          '48 hours the same value with the same fields makes one task only, however often the Zap repeats it.',
      },
    ],
    async perform(z, bundle) {
      const { idempotencyKey, ...task } = filled(bundle.inputData) ?? {};
      const response = await ask(z, bundle, {
        method: 'POST',
        url: '/api/tasks',
        headers: idempotencyKey ? { 'Idempotency-Key': idempotencyKey } : {},
        body: task,
      });
      return response.data;
    },
    ...output,
  },
};

export const updateTask = {
  key: 'update_task',
  noun: 'Task',
  display: {
    label: 'Update Task',
    description: 'Changes the fields of a task that you fill in. The others stay as they are.',
  },
  operation: {
    inputFields: [
      taskToChoose,
      { key: 'title', label: 'Title', type: 'string', helpText: 'Stays as it is if left empty.' },
      ...taskInputFields({
        status: 'Stays as it is if left empty.',
        priority: 'Stays as it is if left empty.',
        lists: 'What you put in replaces all that are there.',
      }),
      {
        key: 'clear',
        label: 'Fields to Clear',
        type: 'string',
        list: true,
        choices: CLEARABLE,
        helpText: 'An empty field above changes nothing, so a value that was mapped but is missing does no harm. ' +
          'To empty a field of the task, name it here.',
      },
    ],
    async perform(z, bundle) {
      const { id, clear = [], ...changes } = filled(bundle.inputData) ?? {};
      for (const key of clear) {
        if (key in changes) {
          throw new z.errors.Error(
            `${CLEARABLE[key]} is filled in and stands in Fields to Clear as well. Do one of the two.`,
            'cleared_and_filled',
          );
        }
        changes[key] = null;
      }
      const response = await ask(z, bundle, { method: 'PATCH', url: pathOf(id), body: changes });
      return response.data;
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
      const response = await ask(z, bundle, { method: 'DELETE', url: pathOf(bundle.inputData.id) });
      return response.data.task;
    },
    ...output,
  },
};
