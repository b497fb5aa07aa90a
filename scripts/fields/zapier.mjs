// What Zapier asks for and shows of tasks and events: fields to fill in, fields to map, and samples.
//
// It must not know triggers, actions or searches.

import { as, inWords, sentences, titled } from './api.mjs';
import { asCode } from './print.mjs';

const FIELDS = 'integrations/zapier/api-fields.js';
const SAMPLES = 'integrations/zapier/api-samples.js';

const FIELDS_HEAD = `// Made by scripts/generate: the API's fields and filters as Zapier shows them. Do not change it here: the words stand in
// integrations/fields.json, all else follows from openapi.json.

`;
const SAMPLES_HEAD = `// Made by scripts/generate from the examples in openapi.json: what a task and an event look like. Do not change it here.

`;

/** Those that a form shows first; the others follow in the order of the API. */
const FIRST = ['title', 'description', 'status', 'priority'];

const OUTPUT = { date: 'datetime', number: 'integer' };
const INPUT = { ...OUTPUT, long: 'text' };

const OWN_LABEL = 'Pick one, or write your own with the letters A-Z, 0-9 and _.';
const KEEPS = 'Stays as it is if left empty.';

export function zapierFiles(api) {
  const [fields, event, filters, webhookFilters] = [api.fields, api.event, api.filters, api.webhookFilters].map((all) =>
    all.map(as('zapier')),
  );
  const place = ({ name }) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  const isInput = ({ input }) => input;
  const inputs = fields.filter(isInput).toSorted((some, other) => place(some) - place(other));
  const clearable = fields.filter((field) => field.input && field.isClearable);
  const shown = [
    ['TASK', fields.map(answered), 'A task in the order of the API; `each` are the fields of the entries of a list.'],
    ['EVENT', event.filter(({ of }) => !of).map(answered), 'What an event says beside its task.'],
    ['NEW_TASK', inputs.map(toCreate), 'What a new task is made of.'],
    ['CHANGE', inputs.map(toChange), 'What may be changed.'],
    [
      'CLEARABLE',
      Object.fromEntries(clearable.map(({ name, label }) => [name, titled(label)])),
      'What can be emptied.',
    ],
    ['FILTERS', filters.filter(isInput).map(searched), 'What narrows a search, each to one value.'],
    ['WEBHOOK_FILTERS', webhookFilters.filter(isInput).map(heard), 'What narrows a trigger, each to some values.'],
  ];
  const samples = [
    ['SAMPLE', api.sample, 'A task.'],
    ['SAMPLES', Object.fromEntries(api.samples.map((one) => [one.event, one])), 'An event of each kind.'],
  ];
  return [
    [FIELDS, FIELDS_HEAD + written(shown)],
    [SAMPLES, SAMPLES_HEAD + written(samples)],
  ];
}

const written = (constants) =>
  constants.map(([name, value, what]) => `/** ${what} */\n${asCode(`export const ${name} = `, value)}`).join('\n');

function answered({ name, kind, label, one, of }) {
  if (of) return { key: name, label: one, each: of.map(answered) };
  return { key: name, label: titled(label), type: OUTPUT[kind], list: kind === 'texts' || undefined };
}

function asked({ name, kind, label, choices, isRequired }, help) {
  return {
    key: name,
    label: titled(label),
    type: INPUT[kind] ?? 'string',
    dynamic: choices && `list_${choices}.id.label`,
    required: isRequired,
    list: kind === 'texts' || undefined,
    helpText: help || undefined,
  };
}

function filledIn(field, ifEmpty, ofLists) {
  const { name, kind, label, one, help, of } = field;
  if (kind === 'texts') return asked(field, sentences(`One ${one.toLowerCase()} in each line.`, help, ofLists));
  if (kind !== 'collection') return asked(field, sentences(help, kind === 'label' ? OWN_LABEL : ifEmpty));
  // A list of several fields has no help of its own: its last field has it.
  const children = of
    .filter(({ input }) => input)
    .map(({ isRequired, ...child }, index, all) => {
      const isLast = index === all.length - 1;
      return asked({ ...child, label: `${one} ${child.label}` }, sentences(child.help, isLast && ofLists));
    });
  return { key: name, label: titled(label), children };
}

const toCreate = (field) =>
  filledIn(field, field.default && `${inWords(field.default)} if left empty.`, 'None if left empty.');

/** Of a field that can be emptied, Fields to Clear says how. */
const toChange = ({ isRequired, ...field }) =>
  filledIn(field, !field.isClearable && KEEPS, 'What you put in replaces all that are there.');

const searched = (filter) => asked(filter, filter.help);

function heard(filter) {
  const field = asked(filter, 'Triggers only for tasks with one of these. Leave it empty for all.');
  return { ...field, label: `Only With ${field.label}`, list: true };
}
