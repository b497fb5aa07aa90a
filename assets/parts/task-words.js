// task-words: the fields of a task and their values as people read them. Must not draw anything.

import { due, full } from './time.js';
import { labelOf, PRIORITIES, STATUSES } from './words.js';

const LONG = 200;

/** @type {Record<string, string>} */
const NAMES = {
  title: 'Title',
  description: 'Description',
  type: 'Type',
  category: 'Category',
  status: 'Status',
  priority: 'Priority',
  dueDate: 'Due date',
  tags: 'Tags',
  attachments: 'Attachments',
  createdAt: 'Created',
  updatedAt: 'Last change',
};

/**
 * The name of a field as people read it.
 * @param {string} field
 */
export const fieldName = (field) => NAMES[field] ?? field;

/**
 * A value of a field as people read it.
 * @param {string} field
 * @param {any} value
 */
export function fieldText(field, value) {
  if (value === null || value === undefined || value === '' || value.length === 0) return 'none';
  if (field === 'status') return labelOf(STATUSES, value);
  if (field === 'priority') return labelOf(PRIORITIES, value);
  if (field === 'dueDate') return due(value);
  if (field === 'createdAt' || field === 'updatedAt') return full(value);
  if (field === 'tags') return value.join(', ');
  if (field === 'attachments') return value.map(({ name }) => name).join(', ');
  return value.length > LONG ? `${value.slice(0, LONG)}…` : value;
}
