// What Make's form makes of what a user filled in, before the app sees it, after Make's page "Processing of 'empty'
// values": what is left empty is not there at all, the pill `erase` becomes null, or [] for a list, and a text that an
// expression has made empty (`emptystring`) is an empty text.
//
// It knows fields and nothing of what becomes of them.

/** The pill `erase` of Make's mapping panel. */
export const ERASE = Symbol('erase');
/** The pill `emptystring`, or any other expression that gives an empty text. */
export const EMPTY_TEXT = Symbol('emptystring');

const isUnfilled = (value) =>
  value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);

const isList = (field) => field.type === 'array' || field.multiple === true;

/** The parameters as the app gets them. Defaults are what the form shows at first; `values` may empty them by ''. */
export function fill(fields, values = {}) {
  const inputs = fields.filter((field) => field.type !== 'banner');
  const stranger = Object.keys(values).find((name) => !inputs.some((field) => field.name === name));
  if (stranger) throw new Error(`the form has no field ${stranger}`);
  const filled = {};
  for (const field of inputs) {
    const value = field.name in values ? values[field.name] : field.default;
    if (isUnfilled(value)) {
      if (field.required) throw new Error(`Missing value of required parameter '${field.name}'.`);
    } else if (value === ERASE) {
      filled[field.name] = isList(field) ? [] : null;
    } else if (value === EMPTY_TEXT) {
      filled[field.name] = '';
    } else {
      filled[field.name] = convert(field, value);
    }
  }
  return filled;
}

function convert(field, value) {
  if (field.type === 'date') return new Date(value);
  if (field.type === 'collection') return fill(field.spec, value);
  // Make does not enforce `required` inside a list of collections.
  if (field.type === 'array' && field.spec.type === 'collection') {
    return value.map((item) => fill(field.spec.spec.map((inner) => ({ ...inner, required: false })), item));
  }
  return value;
}
