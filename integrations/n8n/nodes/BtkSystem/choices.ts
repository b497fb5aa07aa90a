// What can be chosen: the closed sets of BTK-System as n8n shows them (a test holds them against the server's), and
// the labels for types and categories, which the server is asked for.
//
// It must not know which node offers them.

import type { ILoadOptionsFunctions, INodePropertyOptions } from 'n8n-workflow';

import { ask } from './transport';

export const STATUSES: INodePropertyOptions[] = [
  { name: 'Open', value: 'OPEN' },
  { name: 'In Progress', value: 'IN_PROGRESS' },
  { name: 'Done', value: 'DONE' },
  { name: 'Cancelled', value: 'CANCELLED' },
];

export const PRIORITIES: INodePropertyOptions[] = [
  { name: 'Low', value: 'LOW' },
  { name: 'Normal', value: 'NORMAL' },
  { name: 'High', value: 'HIGH' },
  { name: 'Urgent', value: 'URGENT' },
];

export const EVENTS: INodePropertyOptions[] = [
  { name: 'Task Created', value: 'task_created', description: 'A task was made' },
  { name: 'Task Deleted', value: 'task_deleted', description: 'A task was deleted; the event holds its last state' },
  {
    name: 'Task Status Changed',
    value: 'task_status_changed',
    description: 'The status of a task changed, perhaps with other fields',
  },
  { name: 'Task Updated', value: 'task_updated', description: 'Something other than the status of a task changed' },
];

export const loadOptions = { getTypes: offered('types'), getCategories: offered('categories') };

function offered(field: string) {
  return async function (this: ILoadOptionsFunctions): Promise<INodePropertyOptions[]> {
    const { body } = await ask.call(this, { method: 'GET', path: `/api/meta/${field}`, looksRight: Array.isArray });
    return (body as Array<{ value: string; label: string }>).map(({ value, label }) => ({ name: label, value }));
  };
}
