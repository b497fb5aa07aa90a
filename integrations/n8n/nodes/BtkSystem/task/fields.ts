// The fields of a task as n8n asks for them, each by its name in the API.
//
// It must not know which operation asks: what is left empty is not sent, whatever the operation.

import type { INodeProperties } from 'n8n-workflow';

import { PRIORITIES, STATUSES } from '../choices';

export const ATTACHMENTS: INodeProperties = {
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
        {
          displayName: 'Media Type',
          name: 'type',
          type: 'string',
          default: '',
          placeholder: 'application/pdf',
        },
        {
          displayName: 'Name',
          name: 'name',
          type: 'string',
          default: '',
          placeholder: 'offer.pdf',
        },
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
};

export const CATEGORY: INodeProperties = {
  displayName: 'Category Name or ID',
  name: 'category',
  type: 'options',
  typeOptions: { loadOptionsMethod: 'getCategories' },
  default: '',
  description:
    'Choose from the list, or specify an ID using an <a href="https://docs.n8n.io/code/expressions/">expression</a>',
  hint: 'A label of your own: 1 to 40 of A-Z, 0-9 and _',
};

export const DESCRIPTION: INodeProperties = {
  displayName: 'Description',
  name: 'description',
  type: 'string',
  typeOptions: { rows: 4 },
  default: '',
};

export const DUE_DATE: INodeProperties = {
  displayName: 'Due Date',
  name: 'dueDate',
  type: 'dateTime',
  default: '',
  description: 'A time without an offset is in the time zone of the workflow',
};

export const PRIORITY: INodeProperties = {
  displayName: 'Priority',
  name: 'priority',
  type: 'options',
  options: PRIORITIES,
  default: 'NORMAL',
};

export const STATUS: INodeProperties = {
  displayName: 'Status',
  name: 'status',
  type: 'options',
  options: STATUSES,
  default: 'OPEN',
};

export const TAGS: INodeProperties = {
  displayName: 'Tags',
  name: 'tags',
  type: 'string',
  default: '',
  placeholder: 'sales, q1',
  description: 'Separated by commas, or an array by an expression; they take the place of those that are there',
};

export const TITLE: INodeProperties = {
  displayName: 'Title',
  name: 'title',
  type: 'string',
  default: '',
  description: '1 to 500 characters',
};

export const TYPE: INodeProperties = {
  displayName: 'Type Name or ID',
  name: 'type',
  type: 'options',
  typeOptions: { loadOptionsMethod: 'getTypes' },
  default: '',
  description:
    'Choose from the list, or specify an ID using an <a href="https://docs.n8n.io/code/expressions/">expression</a>',
  hint: 'A label of your own: 1 to 40 of A-Z, 0-9 and _',
};
