// The JSON of Make's app that follows from the API: interfaces and samples, and in forms and requests what is a field
// or a filter of the API.
//
// It must not know the rest of a form or a request: that is written by hand, and stays as it is.

import { as, inWords, ordersOf, sentences, titled } from './api.mjs';
import { asJson } from './print.mjs';

const APP = 'integrations/make/app';
const TASK_MODULES = ['create-task', 'get-task', 'update-task', 'delete-task', 'search-tasks'];
const pathOf = (module, part) => `${APP}/modules/${module}/${module}.${part}.iml.json`;
const HOOK = `${APP}/webhooks/task-events/task-events`;

/** What stands by hand in the forms of tasks and in their requests, before the fields of the API and after them. */
const BEFORE = ['taskId', 'events', 'skipOwnChanges'];
const AFTER = ['idempotencyKey', 'limit'];

const TYPES = {
  url: 'url',
  date: 'date',
  number: 'uinteger',
  texts: 'array',
  collection: 'array',
  object: 'collection',
};
const typeOf = ({ kind }) => TYPES[kind] ?? 'text';

const OWN_LABEL = '1 to 40 of the characters `A-Z`, `0-9` and `_`.';
const LISTS = ['texts', 'collection'];

export function makeFiles(api, read) {
  const fields = api.fields.map(as('make'));
  const inputs = fields.filter(({ input }) => input);
  const filters = api.filters.map(as('make'));
  const webhookFilters = api.webhookFilters.map(as('make'));
  const orders = ordersOf('make', api.orders).map(([label, value]) => ({ label, value }));
  const changed = api.samples.find(({ event }) => event === 'task_status_changed');
  const call = {
    body: [api.sample],
    headers: { 'content-type': 'application/json', 'x-total-count': '1' },
    statusCode: 200,
  };

  const form = (path, own) => [path, asJson(between(JSON.parse(read(path)), own))];
  const request = (path, block, entries) => [path, replaced(read(path), path, block, entries)];
  const sort = { name: 'sort', type: 'select', label: 'Order', help: 'If empty, oldest first.', options: orders };

  return [
    ...TASK_MODULES.map((module) => [pathOf(module, 'interface'), asJson(fields.map(answered))]),
    ...TASK_MODULES.map((module) => [pathOf(module, 'samples'), asJson(api.sample)]),
    [pathOf('watch-events', 'interface'), asJson(api.event.map(as('make')).map(answered))],
    [pathOf('watch-events', 'samples'), asJson(changed)],
    [pathOf('make-api-call', 'samples'), asJson(call)],
    form(pathOf('create-task', 'mappable-params'), inputs.map(toCreate)),
    form(pathOf('update-task', 'mappable-params'), inputs.map(toUpdate)),
    form(pathOf('search-tasks', 'mappable-params'), [...filters.map(asked), sort]),
    form(`${HOOK}.params.iml.json`, webhookFilters.map(toHear)),
    request(pathOf('create-task', 'communication'), 'body', inputs.map(sentNew)),
    request(pathOf('update-task', 'communication'), 'body', inputs.map(sent)),
    request(pathOf('search-tasks', 'communication'), 'qs', [...filters.map(searched), mapped({ name: 'sort' })]),
    request(`${HOOK}.attach.iml.json`, 'filter', webhookFilters.map(mapped)),
  ];
}

/** A field as a module gives it. */
function answered(field) {
  const { name, kind, label, one, of } = field;
  const spec = kind === 'texts' ? { type: 'text', label: one } : of?.map(answered);
  return { name, type: typeOf(field), label, spec };
}

/** A field or a filter as a form asks for it. */
function asked(field) {
  const { name, kind, label, one, choices, isRequired, help, keep, multiple, advanced, example, of } = field;
  const ofList = of ? { type: 'collection', label: one, spec: of.filter(({ input }) => input).map(asked) } : undefined;
  const isList = LISTS.includes(kind);
  return {
    name,
    type: choices ? 'select' : typeOf(field),
    label,
    required: isRequired,
    multiline: kind === 'long' || undefined,
    help,
    multiple,
    advanced,
    options: choices && `rpc://list${titled(choices)}`,
    mappable: kind === 'label' ? { help: sentences(OWN_LABEL, `For example, \`${example}\`.`, keep) } : undefined,
    spec: isList ? (ofList ?? { type: 'text', label: one }) : undefined,
    labels: isList ? { add: `Add ${one.toLowerCase()}` } : undefined,
  };
}

function toCreate(field) {
  const ifEmpty = field.default && `If empty, **${inWords(field.default)}**.`;
  return asked({ ...field, help: sentences(field.help, ifEmpty) });
}

function toUpdate(field) {
  const { kind, label, isClearable, help } = field;
  const keep = isClearable ? 'Leave empty to keep it, map `erase` to clear it.' : 'Leave empty to keep it.';
  const replaces = `Replaces all ${label.toLowerCase()}. Leave empty to keep them, map \`erase\` to remove them.`;
  const said = LISTS.includes(kind) ? replaces : sentences(help, keep);
  return asked({ ...field, isRequired: undefined, help: said, keep });
}

/** A webhook's filter takes several values. Those of an open set are typed in: no list of Make takes one's own too. */
function toHear(filter) {
  const { kind, label, many = `${label}s`, example } = filter;
  const these = `one of these ${many.toLowerCase()}.`;
  const which = kind === 'label' ? `Only tasks of ${these} For example, \`${example}\`.` : `Only tasks with ${these}`;
  const form = { ...filter, label: many, help: sentences(which, filter.help, 'Leave empty for all.'), advanced: true };
  const several = kind === 'closed' ? { multiple: true } : { kind: 'texts', one: label, choices: undefined };
  return asked({ ...form, ...several });
}

const mapped = ({ name }) => [name, `{{parameters.${name}}}`];

/** Make leaves out what was not filled. What may not be empty is left out too where it came as an empty text. */
const sent = (field) =>
  field.isClearable ? mapped(field) : [field.name, `{{ifempty(parameters.${field.name}, undefined)}}`];

const sentNew = (field) => (field.isRequired ? mapped(field) : sent(field));

function searched(filter) {
  if (filter.kind !== 'date') return mapped(filter);
  const text = `formatDate(parameters.${filter.name}, 'YYYY-MM-DDTHH:mm:ss.SSS[Z]', 'UTC')`;
  return [filter.name, `{{if(parameters.${filter.name}, ${text}, undefined)}}`];
}

/** The form with `own` where its fields of the API were. */
function between(form, own) {
  const kept = (names) => form.filter(({ name }) => names.includes(name));
  return [...kept(BEFORE), ...own, ...kept(AFTER)];
}

/** The text of a request with these entries in its `block`; comments, and all that stands elsewhere, stay. */
function replaced(text, path, block, entries) {
  const found = new RegExp(`^( *)"${block}": \\{\\n((?:\\1  .*\\n)*)\\1\\}`, 'm');
  if (!found.test(text)) throw new Error(`${path}: there is no "${block}" on lines of its own`);
  return text.replace(found, (_, indent, lines) => {
    const byHand = lines.split('\n').filter((line) => AFTER.some((name) => line.trim().startsWith(`"${name}":`)));
    const own = entries.map(([name, value]) => `${indent}  "${name}": ${JSON.stringify(value)}`);
    const all = [...own, ...byHand.map((line) => line.replace(/,$/, ''))];
    return `${indent}"${block}": {\n${all.join(',\n')}\n${indent}}`;
  });
}
