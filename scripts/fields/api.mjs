// What the integrations know of the API: openapi.json says what there is, integrations/fields.json what people call it.
//
// It must not know Make, n8n or Zapier: what one of them alone decides stands in fields.json under its name.

const WORDS = 'integrations/fields.json';

/**
 * The `fields` of a task and of an `event`, in the order of the API; the `filters` of lists and of webhooks, in that of
 * fields.json; the `orders` of lists; `samples` of events, one of each kind; and `sample`, a task.
 */
export function readApi(document, words) {
  const { schemas } = document.components;
  const leavesOf = leavesIn(schemas);
  const formOf = formsBy(leavesOf);

  /** The fields that the API answers, as `shown` has them, with what `asked` says of those that it takes. */
  function fieldsOf(shown, asked, said, part) {
    const names = Object.keys(shown.properties);
    const placeless = names.find((name) => !shown.required.includes(name));
    if (placeless) throw new Error(`openapi.json: ${part}.${placeless} is not always there, so it has no place`);
    noStrangers(said, names, part);
    return shown.required.map((name) => {
      const { of: inside, ...own } = labelled(said[name], name, part);
      const { example, ...schema } = shown.properties[name];
      const taken = asked?.properties[name];
      // Some are taken to be ignored: nothing is said of them.
      const input = Boolean(taken && leavesOf(taken).some((leaf) => leaf.type ?? leaf.enum));
      const form = formOf(input ? taken : schema, `${part}.${name}`);
      const of =
        form.kind === 'collection'
          ? fieldsOf(leavesOf(schema.items)[0], leavesOf(form.items)[0], inside, `${part}.${name}.of`)
          : undefined;
      const isRequired = asked?.required?.includes(name) || undefined;
      return { name, example, input, isRequired, ...form, kind: kindOf(form, own), of, ...own };
    });
  }

  const newTask = { ...schemas.TaskInput, required: schemas.NewTask.allOf.flatMap(({ required }) => required ?? []) };
  const fields = fieldsOf(schemas.Task, newTask, words.task, 'task');
  const event = fieldsOf(schemas.TaskEvent, undefined, words.event, 'event').map((field) =>
    field.kind === 'object' ? { ...field, of: fields } : field,
  );

  /** A filter that has the name of a field is called as the field is. */
  function filtersOf(known, said, part) {
    noStrangers(said, Object.keys(known), part);
    return Object.keys({ ...said, ...known }).map((name) => {
      const { label, many, choices, default: preset, example } = fields.find((field) => field.name === name) ?? {};
      const own = labelled({ label, many, choices, default: preset, example, ...said[name] }, name, part);
      const form = formOf(known[name], `${part}.${name}`);
      const one = form.items ? formOf(form.items, `${part}.${name}`) : form;
      return { name, input: true, kind: kindOf(one, own), ...own };
    });
  }

  const query = document.paths['/api/tasks'].get.parameters.filter((parameter) => parameter.in === 'query');
  const { sort, limit, cursor, ...known } = Object.fromEntries(query.map(({ name, schema }) => [name, schema]));
  const keys = leavesOf(sort)[0]
    .pattern.match(/\((.*)\)/)[1]
    .split('|');

  const samples = document.paths['/api/events/samples'].get.responses['200'].content['application/json'];
  const events = inOrder(samples.example, samples.schema, leavesOf);
  const created = events.find((one) => one.event === 'task_created').task;
  const examples = fields.filter(({ example }) => example !== undefined).map(({ name, example }) => [name, example]);

  return {
    fields,
    event,
    filters: filtersOf(known, words.filters, 'filters'),
    webhookFilters: filtersOf(schemas.Filter.properties, words.webhookFilters, 'webhookFilters'),
    orders: named(words.orders, keys, 'orders'),
    events: named(words.events, schemas.TaskEventKind.enum, 'events'),
    samples: events,
    sample: { ...created, ...Object.fromEntries(examples) },
  };
}

/** What a value may be, behind references and alternatives. "" is another way to write nothing. */
function leavesIn(schemas) {
  return function leavesOf(schema) {
    if (schema.$ref) return leavesOf(schemas[schema.$ref.split('/').at(-1)]);
    const inner = schema.anyOf ?? schema.oneOf ?? schema.allOf;
    if (inner) return inner.flatMap(leavesOf);
    return schema.const === '' ? [] : [schema];
  };
}

function formsBy(leavesOf) {
  return (schema, where) => {
    const leaves = leavesOf(schema);
    const says = (key) => leaves.map((leaf) => leaf[key]).find((value) => value !== undefined);
    const types = leaves.flatMap(({ type }) => type ?? []);
    const [values, items] = [says('enum'), says('items')];
    const kinds = {
      collection: items && leavesOf(items).some(({ properties }) => properties),
      texts: items,
      object: says('properties'),
      closed: values,
      date: leaves.some(({ format }) => format === 'date-time'),
      number: types.includes('integer'),
      url: says('format') === 'uri',
      long: says('maxLength') > 1000,
      text: types.includes('string'),
    };
    const kind = Object.keys(kinds).find((one) => kinds[one]);
    if (!kind) throw new Error(`openapi.json: ${where} is of a kind that scripts/fields does not know`);
    return { kind, values, items, isClearable: types.includes('null') };
  };
}

/** A text that is chosen from a list which is not closed is a label of one's own. */
const kindOf = ({ kind }, { choices }) => (choices && kind === 'text' ? 'label' : kind);

/** openapi.json has the keys in the order of the alphabet, the API sends them in that of its fields. */
function inOrder(value, schema, leavesOf) {
  const [leaf] = leavesOf(schema);
  if (Array.isArray(value)) return value.map((one) => inOrder(one, leaf.items, leavesOf));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(leaf.required.map((name) => [name, inOrder(value[name], leaf.properties[name], leavesOf)]));
}

function labelled(said, name, part) {
  if (said?.label) return said;
  throw new Error(
    `${WORDS}: the API has "${name}", so write "${name}": { "label": "…", "help": "…." } under "${part}"`,
  );
}

function noStrangers(said, known, part) {
  const stranger = Object.keys(said).find((name) => !known.includes(name));
  if (stranger) throw new Error(`${WORDS}: the API has no "${stranger}", which stands under "${part}"`);
}

/** The values of a closed set, each with what is said of it, in the order in which it is said. */
function named(said, known, part) {
  noStrangers(said, known, part);
  const missing = known.find((value) => !said[value]);
  if (missing) throw new Error(`${WORDS}: "${missing}" is missing under "${part}"`);
  return Object.entries(said);
}

/** A field or a filter as one of the three has it, with what is decided there alone. */
export const as = (platform) => (field) => ({ ...field, ...field[platform], of: field.of?.map(as(platform)) });

/** IN_PROGRESS as people read it: In progress. */
export const inWords = (value) => value[0] + value.slice(1).toLowerCase().replaceAll('_', ' ');

/** A label as a title: Size in Bytes. */
export const titled = (label) => label.replace(/\b(?!(?:a|in|of|or|to)\b)[a-z]/g, (letter) => letter.toUpperCase());

/** The orders of lists as one of the three offers them: what people read, and what the API takes. */
export const ordersOf = (platform, orders) =>
  orders.flatMap(([key, { [platform]: labels }]) =>
    labels.map((label, index) => [label, index === 0 ? key : `-${key}`]),
  );

export const sentences = (...all) => all.filter(Boolean).join(' ') || undefined;
