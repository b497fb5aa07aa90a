// Made by scripts/generate: what n8n asks for of the API's fields and filters, each by its name there. Do not change it
// here: the words stand in integrations/fields.json, all else follows from openapi.json.

import type { INodeProperties, INodePropertyOptions } from 'n8n-workflow';

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

export const FIELDS: INodeProperties[] = [
  {
    displayName: 'Attachments',
    name: 'attachments',
    type: 'fixedCollection',
    typeOptions: { multipleValues: true },
    placeholder: 'Add Attachment',
    default: {},
    description: 'Links that hang on the task; they take the place of those that are there',
    options: [
      {
        displayName: 'Attachment',
        name: 'attachment',
        values: [
          { displayName: 'Media Type', name: 'type', type: 'string', default: '', placeholder: 'application/pdf' },
          { displayName: 'Name', name: 'name', type: 'string', default: '', placeholder: 'offer.pdf' },
          {
            displayName: 'Size in Bytes',
            name: 'size',
            type: 'number',
            typeOptions: { minValue: 0 },
            default: 0,
            description: 'Not sent if 0',
          },
          {
            displayName: 'URL',
            name: 'url',
            type: 'string',
            default: '',
            placeholder: 'https://files.example.com/offer.pdf',
          },
        ],
      },
    ],
  },
  {
    displayName: 'Category Name or ID',
    name: 'category',
    type: 'options',
    typeOptions: { loadOptionsMethod: 'getCategories' },
    default: '',
    description: 'Choose from the list, or specify an ID using an <a href="https://docs.n8n.io/code/expressions/">expression</a>',
    hint: 'A label of your own: 1 to 40 of A-Z, 0-9 and _',
  },
  { displayName: 'Description', name: 'description', type: 'string', typeOptions: { rows: 4 }, default: '' },
  {
    displayName: 'Due Date',
    name: 'dueDate',
    type: 'dateTime',
    default: '',
    description: 'A time without an offset is in the time zone of the workflow',
  },
  { displayName: 'Priority', name: 'priority', type: 'options', options: PRIORITIES, default: 'NORMAL' },
  { displayName: 'Status', name: 'status', type: 'options', options: STATUSES, default: 'OPEN' },
  {
    displayName: 'Tags',
    name: 'tags',
    type: 'string',
    default: '',
    placeholder: 'sales, q1',
    description: 'Separated by commas, or an array by an expression; they take the place of those that are there',
  },
  { displayName: 'Title', name: 'title', type: 'string', default: '', description: '1 to 500 characters' },
  {
    displayName: 'Type Name or ID',
    name: 'type',
    type: 'options',
    typeOptions: { loadOptionsMethod: 'getTypes' },
    default: '',
    description: 'Choose from the list, or specify an ID using an <a href="https://docs.n8n.io/code/expressions/">expression</a>',
    hint: 'A label of your own: 1 to 40 of A-Z, 0-9 and _',
  },
];

export const CLEARABLE: INodePropertyOptions[] = [
  { name: 'Attachments', value: 'attachments' },
  { name: 'Category', value: 'category' },
  { name: 'Description', value: 'description' },
  { name: 'Due Date', value: 'dueDate' },
  { name: 'Tags', value: 'tags' },
  { name: 'Type', value: 'type' },
];

export const FILTERS: INodeProperties[] = [
  {
    displayName: 'Category Name or ID',
    name: 'category',
    type: 'options',
    typeOptions: { loadOptionsMethod: 'getCategories' },
    default: '',
    description: 'Choose from the list, or specify an ID using an <a href="https://docs.n8n.io/code/expressions/">expression</a>',
    hint: 'A label of your own: 1 to 40 of A-Z, 0-9 and _',
  },
  {
    displayName: 'Due After',
    name: 'dueAfter',
    type: 'dateTime',
    default: '',
    description: 'Due at this moment or later',
  },
  {
    displayName: 'Due Before',
    name: 'dueBefore',
    type: 'dateTime',
    default: '',
    description: 'Due before this moment',
  },
  { displayName: 'Priority', name: 'priority', type: 'options', options: PRIORITIES, default: 'NORMAL' },
  {
    displayName: 'Search',
    name: 'q',
    type: 'string',
    default: '',
    description: 'The title or the description contains this, whatever the case',
  },
  { displayName: 'Status', name: 'status', type: 'options', options: STATUSES, default: 'OPEN' },
  { displayName: 'Tag', name: 'tag', type: 'string', default: '', description: 'Only tasks with this tag' },
  {
    displayName: 'Type Name or ID',
    name: 'type',
    type: 'options',
    typeOptions: { loadOptionsMethod: 'getTypes' },
    default: '',
    description: 'Choose from the list, or specify an ID using an <a href="https://docs.n8n.io/code/expressions/">expression</a>',
    hint: 'A label of your own: 1 to 40 of A-Z, 0-9 and _',
  },
  {
    displayName: 'Updated Since',
    name: 'updatedSince',
    type: 'dateTime',
    default: '',
    description: 'Changed at this moment or later',
  },
];

export const ORDERS: INodePropertyOptions[] = [
  { name: 'Created, Newest First', value: '-createdAt' },
  { name: 'Created, Oldest First', value: 'createdAt' },
  { name: 'Due Date, Earliest First', value: 'dueDate' },
  { name: 'Due Date, Latest First', value: '-dueDate' },
  { name: 'Priority, Highest First', value: '-priority' },
  { name: 'Priority, Lowest First', value: 'priority' },
  { name: 'Title, A to Z', value: 'title' },
  { name: 'Title, Z to A', value: '-title' },
  { name: 'Updated, Newest First', value: '-updatedAt' },
  { name: 'Updated, Oldest First', value: 'updatedAt' },
];

export const WEBHOOK_FILTERS: INodeProperties[] = [
  {
    displayName: 'Category Names or IDs',
    name: 'category',
    type: 'multiOptions',
    typeOptions: { loadOptionsMethod: 'getCategories' },
    default: [],
    description: 'Choose from the list, or specify IDs using an <a href="https://docs.n8n.io/code/expressions/">expression</a>',
  },
  { displayName: 'Priorities', name: 'priority', type: 'multiOptions', options: PRIORITIES, default: [] },
  {
    displayName: 'Statuses',
    name: 'status',
    type: 'multiOptions',
    options: STATUSES,
    default: [],
    description: 'The status after the change',
  },
  {
    displayName: 'Tags',
    name: 'tag',
    type: 'string',
    default: '',
    placeholder: 'sales, q1',
    description: 'Separated by commas',
  },
  {
    displayName: 'Type Names or IDs',
    name: 'type',
    type: 'multiOptions',
    typeOptions: { loadOptionsMethod: 'getTypes' },
    default: [],
    description: 'Choose from the list, or specify IDs using an <a href="https://docs.n8n.io/code/expressions/">expression</a>',
  },
];

export const MOMENTS: string[] = ['dueDate', 'dueAfter', 'dueBefore', 'updatedSince'];

export const LISTS: string[] = ['tags'];
