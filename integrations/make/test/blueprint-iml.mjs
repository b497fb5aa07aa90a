// The expressions of Make's scenarios, `{{ifempty(1.origin; "api")}}`, as far as the blueprints use them.
//
// Scenarios name their values by the number of a module and part arguments with semicolons, so they are read
// here and not in iml.mjs, which reads those of an app. It must not know modules, HTTP or BTK. A function that
// it does not know is an error and never an empty value.

import { createHash } from 'node:crypto';
import { asText } from './iml.mjs';

const TOKEN = /\s*(?:"([^"]*)"|(\d+(?:\.(?:[A-Za-z_]\w*|`[^`]+`))+)|(\d+)|([A-Za-z]\w*)|([();]))/y;

/** The parts of a template: texts as they are, expressions as `{code}`. */
export function parts(template) {
  const found = [];
  let at = 0;
  while (at < template.length) {
    const open = template.indexOf('{{', at);
    const text = open < 0 ? template.slice(at) : template.slice(at, open);
    if (text.includes('}}')) throw new Error(`}} without {{ in: ${template}`);
    if (text) found.push(text);
    if (open < 0) break;
    const close = template.indexOf('}}', open);
    if (close < 0) throw new Error(`{{ without }} in: ${template}`);
    found.push({ code: template.slice(open + 2, close) });
    at = close + 2;
  }
  return found;
}

/** An expression as a tree of `{text}`, `{number}`, `{path}`, `{variable}` and `{call, arguments}`. */
export function parse(code) {
  const tokens = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < code.trimEnd().length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(code);
    if (!match) throw new Error(`not understood at position ${at}: ${code}`);
    const [, text, path, number, name, sign] = match;
    if (text !== undefined) tokens.push({ text });
    else if (path) tokens.push({ path: path.match(/`[^`]+`|[^.]+/g).map((key) => key.replaceAll('`', '')) });
    else if (number) tokens.push({ number: Number(number) });
    else tokens.push(name ? { name } : { sign });
  }
  const tree = expression();
  if (tokens.length > 0) throw new Error(`something follows the expression: ${code}`);
  return tree;

  function expression() {
    const token = tokens.shift();
    if (!token || token.sign) throw new Error(`a value is missing: ${code}`);
    if (!token.name) return token;
    if (tokens[0]?.sign !== '(') return { variable: token.name };
    tokens.shift();
    const given = [];
    for (;;) {
      given.push(expression());
      const { sign } = tokens.shift() ?? {};
      if (sign === ')') return { call: token.name, arguments: given };
      if (sign !== ';') throw new Error(`; or ) is missing after an argument: ${code}`);
    }
  }
}

/** Every node of every expression in a template. */
export function* nodes(template) {
  for (const part of parts(template)) if (part.code !== undefined) yield* below(parse(part.code));
}

function* below(node) {
  yield node;
  for (const argument of node.arguments ?? []) yield* below(argument);
}

const empty = (value) => value === undefined || value === null || value === '';

function date(value) {
  if (!(value instanceof Date)) throw new Error('a date is expected');
  return value;
}

const FUNCTIONS = {
  if: (condition, then, otherwise) => (condition ? then : otherwise),
  ifempty: (value, otherwise) => (empty(value) ? otherwise : value),
  contains: (text, wanted) => (text ?? '').includes(wanted),
  length: (value) => value?.length ?? 0,
  merge: (...arrays) => [].concat(...arrays),
  first: (array) => array?.[0],
  map: (array, key, filterKey, wanted) =>
    (array ?? []).filter((item) => filterKey === undefined || item[filterKey] === wanted).map((item) => item[key]),
  substring: (text, from, to) => String(text ?? '').substring(from, to),
  trim: (text) => String(text ?? '').trim(),
  sha256: (text) => createHash('sha256').update(String(text ?? '')).digest('hex'),
  replace(text, search, by) {
    const [, pattern, flags] = /^\/(.+)\/([a-z]*)$/.exec(search) ?? [];
    if (!pattern) throw new Error(`only patterns are known here: ${search}`);
    return String(text ?? '').replace(new RegExp(pattern, flags), by);
  },
  addDays: (day, days) => new Date(date(day).getTime() + days * 86_400_000),
  formatDate(day, format, zone) {
    if (format !== 'YYYY-MM-DD' || zone !== 'UTC') throw new Error(`not known here: ${format} in ${zone}`);
    return date(day).toISOString().slice(0, 10);
  },
};

/** The names of the functions that are known here. */
export const KNOWN_FUNCTIONS = Object.keys(FUNCTIONS);

function value(node, scope, now) {
  if ('text' in node) return node.text;
  if ('number' in node) return node.number;
  if (node.variable === 'now') return now;
  if (node.variable === 'emptystring') return '';
  if (node.variable) throw new Error(`not a variable: ${node.variable}`);
  if (node.call) {
    const known = FUNCTIONS[node.call];
    if (!known) throw new Error(`not a function: ${node.call}`);
    return known(...node.arguments.map((argument) => value(argument, scope, now)));
  }
  const [id, ...keys] = node.path;
  if (!(id in scope)) throw new Error(`module ${id} has given nothing on this path`);
  return keys.reduce((inner, key) => inner?.[key], scope[id]);
}

/** What a template comes to. One expression alone keeps its type, as in Make; anything else is a text. */
export function evaluate(template, scope, now) {
  const found = parts(template);
  const results = found.map((part) => (part.code === undefined ? part : value(parse(part.code), scope, now)));
  return results.length === 1 ? results[0] : results.map(asText).join('');
}

/** The same for a whole mapper, with all that it holds. */
export function evaluateAll(mapper, scope, now) {
  if (typeof mapper === 'string') return evaluate(mapper, scope, now);
  if (Array.isArray(mapper)) return mapper.map((item) => evaluateAll(item, scope, now));
  if (mapper === null || typeof mapper !== 'object') return mapper;
  return Object.fromEntries(Object.entries(mapper).map(([key, item]) => [key, evaluateAll(item, scope, now)]));
}
