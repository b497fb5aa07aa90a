// Made by scripts/generate: the API's fields and filters as Zapier shows them. Do not change it here: the words stand in
// integrations/fields.json, all else follows from openapi.json.

/** A task in the order of the API; `each` are the fields of the entries of a list. */
export const TASK = [
  { key: 'id', label: 'ID' },
  { key: 'title', label: 'Title' },
  { key: 'description', label: 'Description' },
  { key: 'type', label: 'Type' },
  { key: 'category', label: 'Category' },
  { key: 'status', label: 'Status' },
  { key: 'priority', label: 'Priority' },
  { key: 'dueDate', label: 'Due Date', type: 'datetime' },
  { key: 'tags', label: 'Tags', list: true },
  {
    key: 'attachments',
    label: 'Attachment',
    each: [
      { key: 'id', label: 'ID' },
      { key: 'name', label: 'Name' },
      { key: 'url', label: 'URL' },
      { key: 'type', label: 'Type' },
      { key: 'size', label: 'Size', type: 'integer' },
      { key: 'uploadedAt', label: 'Uploaded At', type: 'datetime' },
    ],
  },
  { key: 'createdAt', label: 'Created At', type: 'datetime' },
  { key: 'updatedAt', label: 'Updated At', type: 'datetime' },
];

/** What an event says beside its task. */
export const EVENT = [
  { key: 'id', label: 'Event ID' },
  { key: 'event', label: 'Event' },
  { key: 'type', label: 'Event Type' },
  { key: 'timestamp', label: 'Event Time', type: 'datetime' },
  { key: 'version', label: 'Task Version', type: 'integer' },
  { key: 'origin', label: 'Origin' },
  { key: 'changed', label: 'Changed Fields', list: true },
];

/** What a new task is made of. */
export const NEW_TASK = [
  { key: 'title', label: 'Title', type: 'string', required: true },
  { key: 'description', label: 'Description', type: 'text' },
  {
    key: 'status',
    label: 'Status',
    type: 'string',
    dynamic: 'list_statuses.id.label',
    helpText: 'Open if left empty.',
  },
  {
    key: 'priority',
    label: 'Priority',
    type: 'string',
    dynamic: 'list_priorities.id.label',
    helpText: 'Normal if left empty.',
  },
  {
    key: 'type',
    label: 'Type',
    type: 'string',
    dynamic: 'list_types.id.label',
    helpText: 'Pick one, or write your own with the letters A-Z, 0-9 and _.',
  },
  {
    key: 'category',
    label: 'Category',
    type: 'string',
    dynamic: 'list_categories.id.label',
    helpText: 'Pick one, or write your own with the letters A-Z, 0-9 and _.',
  },
  { key: 'dueDate', label: 'Due Date', type: 'datetime' },
  { key: 'tags', label: 'Tags', type: 'string', list: true, helpText: 'One tag in each line. None if left empty.' },
  {
    key: 'attachments',
    label: 'Attachments',
    children: [
      { key: 'name', label: 'Attachment Name', type: 'string' },
      {
        key: 'url',
        label: 'Attachment URL',
        type: 'string',
        helpText: 'A link to the file, http or https; the file itself is not copied. None if left empty.',
      },
    ],
  },
];

/** What may be changed. */
export const CHANGE = [
  { key: 'title', label: 'Title', type: 'string', helpText: 'Stays as it is if left empty.' },
  { key: 'description', label: 'Description', type: 'text' },
  {
    key: 'status',
    label: 'Status',
    type: 'string',
    dynamic: 'list_statuses.id.label',
    helpText: 'Stays as it is if left empty.',
  },
  {
    key: 'priority',
    label: 'Priority',
    type: 'string',
    dynamic: 'list_priorities.id.label',
    helpText: 'Stays as it is if left empty.',
  },
  {
    key: 'type',
    label: 'Type',
    type: 'string',
    dynamic: 'list_types.id.label',
    helpText: 'Pick one, or write your own with the letters A-Z, 0-9 and _.',
  },
  {
    key: 'category',
    label: 'Category',
    type: 'string',
    dynamic: 'list_categories.id.label',
    helpText: 'Pick one, or write your own with the letters A-Z, 0-9 and _.',
  },
  { key: 'dueDate', label: 'Due Date', type: 'datetime' },
  {
    key: 'tags',
    label: 'Tags',
    type: 'string',
    list: true,
    helpText: 'One tag in each line. What you put in replaces all that are there.',
  },
  {
    key: 'attachments',
    label: 'Attachments',
    children: [
      { key: 'name', label: 'Attachment Name', type: 'string' },
      {
        key: 'url',
        label: 'Attachment URL',
        type: 'string',
        helpText: 'A link to the file, http or https; the file itself is not copied. What you put in replaces all that are there.',
      },
    ],
  },
];

/** What can be emptied. */
export const CLEARABLE = {
  description: 'Description',
  type: 'Type',
  category: 'Category',
  dueDate: 'Due Date',
  tags: 'Tags',
  attachments: 'Attachments',
};

/** What narrows a search, each to one value. */
export const FILTERS = [
  { key: 'q', label: 'Text', type: 'string', helpText: 'Stands in the title or the description.' },
  { key: 'status', label: 'Status', type: 'string', dynamic: 'list_statuses.id.label' },
  { key: 'priority', label: 'Priority', type: 'string', dynamic: 'list_priorities.id.label' },
  { key: 'type', label: 'Type', type: 'string', dynamic: 'list_types.id.label' },
  { key: 'category', label: 'Category', type: 'string', dynamic: 'list_categories.id.label' },
  { key: 'tag', label: 'Tag', type: 'string', helpText: 'One whole tag.' },
];

/** What narrows a trigger, each to some values. */
export const WEBHOOK_FILTERS = [
  {
    key: 'status',
    label: 'Only With Status',
    type: 'string',
    dynamic: 'list_statuses.id.label',
    list: true,
    helpText: 'Triggers only for tasks with one of these. Leave it empty for all.',
  },
  {
    key: 'priority',
    label: 'Only With Priority',
    type: 'string',
    dynamic: 'list_priorities.id.label',
    list: true,
    helpText: 'Triggers only for tasks with one of these. Leave it empty for all.',
  },
  {
    key: 'type',
    label: 'Only With Type',
    type: 'string',
    dynamic: 'list_types.id.label',
    list: true,
    helpText: 'Triggers only for tasks with one of these. Leave it empty for all.',
  },
  {
    key: 'category',
    label: 'Only With Category',
    type: 'string',
    dynamic: 'list_categories.id.label',
    list: true,
    helpText: 'Triggers only for tasks with one of these. Leave it empty for all.',
  },
  {
    key: 'tag',
    label: 'Only With Tag',
    type: 'string',
    list: true,
    helpText: 'Triggers only for tasks with one of these. Leave it empty for all.',
  },
];
