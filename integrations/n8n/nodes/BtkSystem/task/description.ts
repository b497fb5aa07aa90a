// What n8n asks for each operation on tasks: the form of the action node.
//
// It must not know how an operation is carried out.

import type { IDisplayOptions, INodeProperties } from 'n8n-workflow';

import { CLEARABLE, FIELDS, FILTERS, ORDERS } from '../fields';

const on = (...operation: string[]): IDisplayOptions => ({ show: { resource: ['task'], operation } });

const operations: INodeProperties = {
  displayName: 'Operation',
  name: 'operation',
  type: 'options',
  noDataExpression: true,
  displayOptions: { show: { resource: ['task'] } },
  options: [
    { name: 'Create', value: 'create', action: 'Create a task', description: 'Create a task' },
    { name: 'Delete', value: 'delete', action: 'Delete a task', description: 'Delete a task' },
    { name: 'Get', value: 'get', action: 'Get a task', description: 'Get a task by its ID' },
    { name: 'Get Many', value: 'getAll', action: 'Get many tasks', description: 'Get many tasks, filtered and sorted' },
    {
      name: 'Update',
      value: 'update',
      action: 'Update a task',
      description: 'Change the fields that are added; the others stay',
    },
  ],
  default: 'create',
};

/** The one field without which there is no task: it stands above the others. */
const isTitle = ({ name }: INodeProperties) => name === 'title';

const idempotencyKey: INodeProperties = {
  displayName: 'Idempotency Key',
  name: 'idempotencyKey',
  type: 'string',
  default: '',
  placeholder: 'order-17',
  description: 'Such as an order number; within 48 hours the same key creates no second task',
};

const byName = (some: INodeProperties, other: INodeProperties) => (some.displayName < other.displayName ? -1 : 1);

const create: INodeProperties[] = [
  ...FIELDS.filter(isTitle).map((title) => ({ ...title, required: true, displayOptions: on('create') })),
  {
    displayName: 'Additional Fields',
    name: 'additionalFields',
    type: 'collection',
    placeholder: 'Add Field',
    default: {},
    displayOptions: on('create'),
    options: [...FIELDS.filter((field) => !isTitle(field)), idempotencyKey].sort(byName),
  },
];

const one: INodeProperties = {
  displayName: 'Task ID',
  name: 'taskId',
  type: 'string',
  required: true,
  default: '',
  placeholder: 'task_1765216530445_che0wi9',
  displayOptions: on('delete', 'get', 'update'),
};

const update: INodeProperties[] = [
  {
    displayName: 'Update Fields',
    name: 'updateFields',
    type: 'collection',
    placeholder: 'Add Field',
    default: {},
    displayOptions: on('update'),
    description: 'Only the fields added here change. One that is left empty stays as it is.',
    options: FIELDS,
  },
  {
    displayName: 'Fields to Clear',
    name: 'clearFields',
    type: 'multiOptions',
    options: CLEARABLE,
    default: [],
    displayOptions: on('update'),
    description: 'These fields become empty. A task always has a title, a status and a priority.',
  },
];

const getAll: INodeProperties[] = [
  {
    displayName: 'Return All',
    name: 'returnAll',
    type: 'boolean',
    default: false,
    displayOptions: on('getAll'),
    description: 'Whether to return all results or only up to a given limit',
  },
  {
    displayName: 'Limit',
    name: 'limit',
    type: 'number',
    typeOptions: { minValue: 1 },
    default: 50,
    displayOptions: { show: { resource: ['task'], operation: ['getAll'], returnAll: [false] } },
    description: 'Max number of results to return',
  },
  {
    displayName: 'Filters',
    name: 'filters',
    type: 'collection',
    placeholder: 'Add Filter',
    default: {},
    displayOptions: on('getAll'),
    options: FILTERS,
  },
  {
    displayName: 'Sort By',
    name: 'sort',
    type: 'options',
    options: ORDERS,
    default: 'createdAt',
    displayOptions: on('getAll'),
  },
];

export const taskProperties: INodeProperties[] = [operations, one, ...create, ...update, ...getAll];
