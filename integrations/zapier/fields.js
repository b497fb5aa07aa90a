// What a task and an event look like in Zapier: the fields to fill in, the fields to map, and samples.
//
// It must not know requests.

/** A task's fields in the order of the API; `each` are those of the entries of a list. */
const TASK = [
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
    { key: 'id', label: 'Event ID', primary: true },
    { key: 'event', label: 'Event' },
    { key: 'type', label: 'Event Type' },
    { key: 'timestamp', label: 'Event Time', type: 'datetime' },
    { key: 'version', label: 'Task Version', type: 'integer' },
    { key: 'origin', label: 'Origin' },
    { key: 'changed', label: 'Changed Fields', list: true },
    ...(hasPrevious ? taskOutput('previous__', 'Previous ') : [{ key: 'previous', label: 'Previous' }]),
    ...taskOutput('task__', 'Task '),
  ];
}

export const taskSample = {
  id: 'task_1795459200000_sample0',
  title: 'Send the offer',
  description: 'With the new prices.',
  type: 'WRITING',
  category: 'WORK',
  status: 'OPEN',
  priority: 'HIGH',
  dueDate: '2026-12-01T00:00:00.000Z',
  tags: ['sales'],
  attachments: [
    {
      id: 'att_1795459200000_sample0',
      name: 'offer.pdf',
      url: 'https://files.example.com/offer.pdf',
      type: 'application/pdf',
      size: 48213,
      uploadedAt: '2026-11-23T18:40:00.000Z',
    },
  ],
  createdAt: '2026-11-23T18:40:00.000Z',
  updatedAt: '2026-11-23T18:40:00.000Z',
};

/** A sample event: `after` is what it changed in the sample task. */
export function eventSample(event, changed, after, hasPrevious) {
  return {
    id: 'evt_01a209eacd197b1e9ba4699ca93ec58a',
    event,
    type: event.replace('_', '.'),
    timestamp: '2026-11-23T19:40:00.000Z',
    version: hasPrevious ? 2 : 1,
    origin: 'api',
    changed,
    previous: hasPrevious ? taskSample : null,
    task: { ...taskSample, ...after },
  };
}

/** The fields of a task that have a dropdown. */
const choice = (key, label, list) => ({ key, label, type: 'string', dynamic: `${list}.id.label` });
const STATUS = choice('status', 'Status', 'list_statuses');
const PRIORITY = choice('priority', 'Priority', 'list_priorities');
const TYPE = choice('type', 'Type', 'list_types');
const CATEGORY = choice('category', 'Category', 'list_categories');
const OWN_LABEL = 'Pick one, or write your own with the letters A-Z, 0-9 and _.';

/** The fields of a task that a person fills in; `defaults` says what an empty status or priority means. */
export function taskInputFields(defaults) {
  return [
    { key: 'description', label: 'Description', type: 'text' },
    { ...STATUS, helpText: defaults.status },
    { ...PRIORITY, helpText: defaults.priority },
    { ...TYPE, helpText: OWN_LABEL },
    { ...CATEGORY, helpText: OWN_LABEL },
    { key: 'dueDate', label: 'Due Date', type: 'datetime' },
    { key: 'tags', label: 'Tags', type: 'string', list: true, helpText: `One tag in each line. ${defaults.lists}` },
    {
      key: 'attachments',
      label: 'Attachments',
      children: [
        { key: 'name', label: 'Attachment Name', type: 'string' },
        {
          key: 'url',
          label: 'Attachment URL',
          type: 'string',
          helpText: `A link to the file, http or https; the file itself is not copied. ${defaults.lists}`,
        },
      ],
    },
  ];
}

/** Dropdowns that narrow a search to one value of each field. */
export const searchFields = [
  STATUS,
  PRIORITY,
  TYPE,
  CATEGORY,
  { key: 'tag', label: 'Tag', type: 'string', helpText: 'One whole tag.' },
];

/** The same fields for triggers, where each may hold several values. */
export const filterFields = searchFields.map((field) => ({
  ...field,
  list: true,
  label: `Only With ${field.label}`,
  helpText: 'Triggers only for tasks with one of these. Leave it empty for all.',
}));

/** What can be emptied. */
export const CLEARABLE = {
  description: 'Description',
  type: 'Type',
  category: 'Category',
  dueDate: 'Due Date',
  tags: 'Tags',
  attachments: 'Attachments',
};

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
