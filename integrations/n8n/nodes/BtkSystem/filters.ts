// Which tasks the trigger hears of: the lists of a webhook's filter, each by its name in the API.
//
// It must not know how a webhook is made. One value of each list that is not empty must fit the task.

import type { INodeProperties } from 'n8n-workflow';

import { PRIORITIES, STATUSES } from './choices';

const CATEGORIES: INodeProperties = {
  displayName: 'Category Names or IDs',
  name: 'category',
  type: 'multiOptions',
  typeOptions: { loadOptionsMethod: 'getCategories' },
  default: [],
  description:
    'Choose from the list, or specify IDs using an <a href="https://docs.n8n.io/code/expressions/">expression</a>',
};

const TYPES: INodeProperties = {
  displayName: 'Type Names or IDs',
  name: 'type',
  type: 'multiOptions',
  typeOptions: { loadOptionsMethod: 'getTypes' },
  default: [],
  description:
    'Choose from the list, or specify IDs using an <a href="https://docs.n8n.io/code/expressions/">expression</a>',
};

export const FILTERS: INodeProperties[] = [
  CATEGORIES,
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
  TYPES,
];
