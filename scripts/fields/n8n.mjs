// What n8n's nodes ask for, as TypeScript that n8n's linter reads: fields, filters, closed sets and orders.
//
// It must not know which operation asks for what.

import { as, inWords, ordersOf, titled } from './api.mjs';
import { Code, asCode } from './print.mjs';

const PATH = 'integrations/n8n/nodes/BtkSystem/fields.ts';

const HEAD = `// Made by scripts/generate: what n8n asks for of the API's fields and filters, each by its name there. Do not change it
// here: the words stand in integrations/fields.json, all else follows from openapi.json.

import type { INodeProperties, INodePropertyOptions } from 'n8n-workflow';

`;

/** What a form shows before anything is filled in, and how it looks. */
const FORMS = {
  text: { type: 'string', default: '' },
  url: { type: 'string', default: '' },
  long: { type: 'string', typeOptions: { rows: 4 }, default: '' },
  date: { type: 'dateTime', default: '' },
  number: { type: 'number', typeOptions: { minValue: 0 }, default: 0 },
  texts: { type: 'string', default: '' },
};

const FROM_LIST = (what) =>
  `Choose from the list, or specify ${what} using an <a href="https://docs.n8n.io/code/expressions/">expression</a>`;
const REPLACES = 'they take the place of those that are there';
const COMMAS = 'Separated by commas';

/** n8n's descriptions end without a dot. */
const said = (help) => help?.replace(/\.$/, '') || undefined;
const commas = (example) => (Array.isArray(example) ? example.join(', ') : undefined);
const byName = (some, other) => ((some.displayName ?? some.name) < (other.displayName ?? other.name) ? -1 : 1);
const constant = (choices) => new Code(choices.toUpperCase());

export function n8nFiles(api) {
  const fields = api.fields.map(as('n8n')).filter(({ input }) => input);
  const filters = api.filters.map(as('n8n')).filter(({ input }) => input);
  const webhookFilters = api.webhookFilters.map(as('n8n')).filter(({ input }) => input);
  const closed = fields.filter(({ kind }) => kind === 'closed');
  const namesOf = (kind) => [...fields, ...filters].filter((one) => one.kind === kind).map(({ name }) => name);
  const orders = ordersOf('n8n', api.orders).map(([name, value]) => ({ name, value }));
  const clearable = fields.filter(({ isClearable }) => isClearable);
  const choice = ({ name, label }) => ({ name: titled(label), value: name });
  const constants = [
    ...closed.map(({ choices, values }) => [choices.toUpperCase(), 'INodePropertyOptions[]', values.map(choiceOf)]),
    [
      'EVENTS',
      'INodePropertyOptions[]',
      api.events.map(([value, help]) => ({ ...choiceOf(value), description: said(help) })),
    ],
    ['FIELDS', 'INodeProperties[]', fields.map(property).toSorted(byName)],
    ['CLEARABLE', 'INodePropertyOptions[]', clearable.map(choice).toSorted(byName)],
    ['FILTERS', 'INodeProperties[]', filters.map(property).toSorted(byName)],
    ['ORDERS', 'INodePropertyOptions[]', orders.toSorted(byName)],
    ['WEBHOOK_FILTERS', 'INodeProperties[]', webhookFilters.map(ofSeveral).toSorted(byName)],
    ['MOMENTS', 'string[]', namesOf('date')],
    ['LISTS', 'string[]', namesOf('texts')],
  ];
  return [
    [PATH, HEAD + constants.map(([name, type, value]) => asCode(`export const ${name}: ${type} = `, value)).join('\n')],
  ];
}

const choiceOf = (value) => ({ name: titled(inWords(value)), value });

/** A field, or a filter of one value. */
function property(field) {
  const { name, kind, label, one, choices, example, help } = field;
  const displayName = titled(label);
  const shared = { displayName, name };
  switch (kind) {
    case 'closed':
      return {
        ...shared,
        type: 'options',
        options: constant(choices),
        default: field.default,
        description: said(help),
      };
    case 'label':
      return {
        displayName: `${displayName} Name or ID`,
        name,
        type: 'options',
        typeOptions: { loadOptionsMethod: `get${titled(choices)}` },
        default: '',
        description: FROM_LIST('an ID'),
        hint: 'A label of your own: 1 to 40 of A-Z, 0-9 and _',
      };
    case 'collection':
      return {
        ...shared,
        type: 'fixedCollection',
        typeOptions: { multipleValues: true },
        placeholder: `Add ${one}`,
        default: {},
        description: [said(help), REPLACES].filter(Boolean).join('; '),
        options: [{ displayName: one, name: one.toLowerCase(), values: childrenOf(field) }],
      };
    case 'texts': {
      const description = `${COMMAS}, or an array by an expression; ${REPLACES}`;
      return { ...shared, ...FORMS.texts, placeholder: commas(example), description };
    }
    default:
      return { ...shared, ...FORMS[kind], description: said(help) };
  }
}

function childrenOf({ of }) {
  const children = of.filter(({ input }) => input);
  const shown = (child) =>
    typeof child.example === 'string' ? { ...property(child), placeholder: child.example } : property(child);
  return children.map(shown).toSorted(byName);
}

/** A webhook's filter, which takes several values. */
function ofSeveral(filter) {
  const { name, kind, label, many = `${label}s`, choices, example, help } = filter;
  const shared = { displayName: titled(many), name };
  switch (kind) {
    case 'closed':
      return { ...shared, type: 'multiOptions', options: constant(choices), default: [], description: said(help) };
    case 'label':
      return {
        displayName: `${titled(label)} Names or IDs`,
        name,
        type: 'multiOptions',
        typeOptions: { loadOptionsMethod: `get${titled(choices)}` },
        default: [],
        description: FROM_LIST('IDs'),
      };
    default:
      return { ...shared, ...FORMS.texts, placeholder: commas(example), description: COMMAS };
  }
}
