// Reads and computes IML, the expressions between {{ and }} of a Make app, as far as this app uses them.
//
// It knows nothing of requests or of the app. What it does not know is an error and never silently empty: an app that
// passes here uses nothing that nobody has looked at.

export class ImlError extends Error {}

/** What an expression may name besides the variables it is given. */
const KEYWORDS = { true: true, false: false, null: null, undefined: undefined };

/** From loose to tight; of one row, from left to right. Make treats the JavaScript spellings as the same operators. */
const OPERATORS = [['|', '||'], ['&', '&&'], ['=', '==', '===', '!=', '!=='], ['<', '<=', '>', '>='], ['+']];

const isEmpty = (value) => value === undefined || value === null || value === '';
const isObject = (value) => typeof value === 'object' && value !== null;

/** Functions that see their arguments unevaluated, because only one branch may be. */
const LAZY = {
  if: ([condition, yes, no], run) => (run(condition) ? run(yes) : run(no)),
  ifempty: ([first, second], run) => {
    const value = run(first);
    return isEmpty(value) ? run(second) : value;
  },
};

const FUNCTIONS = {
  encodeURL: (text) => encodeURIComponent(asText(text)),
  formatDate,
  min: (...numbers) => Math.min(...numbers.filter((number) => typeof number === 'number')),
  replace: (text, search, by) => {
    const pattern = /^\/(.+)\/([a-z]*)$/.exec(search);
    return pattern ? asText(text).replace(new RegExp(pattern[1], pattern[2]), by) : asText(text).replaceAll(search, by);
  },
  split: (text, separator) => asText(text).split(separator).map((part) => part.trim()).filter((part) => part !== ''),
  toCollection: (list, key, value) => Object.fromEntries((list ?? []).map((item) => [item[key], item[value]])),
};

/** Numbers of arguments, smallest and largest. */
const ARITY = {
  if: [3, 3],
  ifempty: [2, 2],
  encodeURL: [1, 1],
  formatDate: [3, 3],
  min: [2, Infinity],
  replace: [3, 3],
  split: [2, 2],
  toCollection: [3, 3],
};

function formatDate(date, format, timezone) {
  if (timezone !== 'UTC') throw new ImlError(`formatDate here knows the timezone UTC only, not ${timezone}`);
  const moment = new Date(date);
  if (Number.isNaN(moment.getTime())) throw new ImlError(`formatDate: ${date} is not a date`);
  const iso = moment.toISOString();
  const parts = { YYYY: [0, 4], MM: [5, 7], DD: [8, 10], HH: [11, 13], mm: [14, 16], ss: [17, 19], SSS: [20, 23] };
  return format.replace(/\[([^\]]*)\]|[A-Za-z]+/g, (word, literal) => {
    if (literal !== undefined) return literal;
    const tokens = word.match(/YYYY|MM|DD|HH|mm|SSS|ss|T/g) ?? [];
    if (tokens.join('') !== word) throw new ImlError(`formatDate here does not know "${word}"`);
    return tokens.map((token) => (token === 'T' ? 'T' : iso.slice(...parts[token]))).join('');
  });
}

/** How a value looks inside a text. A collection there is a mistake: Make writes "{object}". */
export function asText(value) {
  if (value === undefined || value === null) return '';
  if (value instanceof Date) return value.toISOString();
  if (isObject(value)) throw new ImlError('a collection or an array stands inside a text');
  return String(value);
}

// --- Reading ---

const WORD = [
  /(\d+(?:\.\d+)?)/,
  /'([^']*)'|"([^"]*)"/,
  /`([^`]*)`/,
  /([A-Za-z_]\w*)/,
  /(===|!==|\}\}|\|\||&&|[!=<>]=|[-+*/%!=<>&|().,[\]])/,
].map((pattern) => pattern.source).join('|');

function* words(text) {
  const pattern = new RegExp(`\\s*(?:${WORD})`, 'y');
  for (;;) {
    const at = pattern.lastIndex;
    const found = pattern.exec(text);
    if (!found) throw new ImlError(`cannot read "${text.slice(at, at + 20)}" in ${text}`);
    const [, number, single, double, quoted, name, sign] = found;
    const end = pattern.lastIndex;
    if (number !== undefined) yield { kind: 'literal', value: Number(number), end };
    else if (single !== undefined || double !== undefined) yield { kind: 'literal', value: single ?? double, end };
    else if (quoted !== undefined) yield { kind: 'quoted', value: quoted, end };
    else if (name !== undefined) yield { kind: 'name', value: name, end };
    else yield { kind: 'sign', value: sign, end };
  }
}

/** Reads one expression that starts after {{ and ends at }}; answers it and where it ends. */
function expression(text) {
  const stream = words(text);
  let word = stream.next().value;
  const next = () => {
    const was = word;
    word = stream.next().value;
    return was;
  };
  const isSign = (...values) => word.kind === 'sign' && values.includes(word.value);
  const expect = (value) => {
    if (!isSign(value)) throw new ImlError(`expected "${value}" before "${word.value}" in ${text}`);
    next();
  };

  function level(row) {
    if (row === OPERATORS.length) return unary();
    let left = level(row + 1);
    while (isSign(...OPERATORS[row])) {
      const operator = next().value;
      left = { operator, left, right: level(row + 1) };
    }
    return left;
  }
  function unary() {
    if (isSign('!')) {
      next();
      return { not: unary() };
    }
    return primary();
  }
  function primary() {
    if (isSign('(')) {
      next();
      const inner = level(0);
      expect(')');
      return inner;
    }
    if (word.kind === 'literal') return { literal: next().value };
    if (word.kind !== 'name') throw new ImlError(`unexpected "${word.value}" in ${text}`);
    const name = next().value;
    return isSign('(') ? call(name) : path(name);
  }
  function call(name) {
    const known = Object.hasOwn(LAZY, name) || Object.hasOwn(FUNCTIONS, name);
    if (!known) throw new ImlError(`unknown function ${name} in ${text}`);
    next();
    const args = [];
    while (!isSign(')')) {
      if (args.length > 0) expect(',');
      args.push(level(0));
    }
    next();
    const [least, most] = ARITY[name];
    if (args.length < least || args.length > most) {
      throw new ImlError(`${name} with ${args.length} arguments in ${text}`);
    }
    return { call: name, args };
  }
  function path(name) {
    const steps = [];
    while (isSign('.', '[')) {
      if (next().value === '.') {
        if (word.kind !== 'name' && word.kind !== 'quoted') throw new ImlError(`no name after the dot in ${text}`);
        steps.push(next().value);
      } else {
        if (!Number.isInteger(word.value) || word.value < 1) throw new ImlError(`an index counts from 1 in ${text}`);
        steps.push(next().value);
        expect(']');
      }
    }
    return { path: name, steps };
  }

  const tree = level(0);
  if (!isSign('}}')) throw new ImlError(`expected the end before "${word.value}" in ${text}`);
  return { tree, end: word.end };
}

/** Reads a text with any number of expressions; answers texts and trees in their order. */
export function parse(text) {
  const parts = [];
  let at = 0;
  for (;;) {
    const open = text.indexOf('{{', at);
    if (open > at || open < 0) {
      const plain = open < 0 ? text.slice(at) : text.slice(at, open);
      if (plain.includes('}}')) throw new ImlError(`}} without {{ in ${text}`);
      if (plain !== '') parts.push({ text: plain });
    }
    if (open < 0) return parts;
    const { tree, end } = expression(text.slice(open + 2));
    parts.push({ tree });
    at = open + 2 + end;
  }
}

// --- Computing ---

function compute(tree, variables) {
  const run = (part) => compute(part, variables);
  if ('literal' in tree) return tree.literal;
  if ('not' in tree) return !run(tree.not);
  if (tree.call && LAZY[tree.call]) return LAZY[tree.call](tree.args, run);
  if (tree.call) return FUNCTIONS[tree.call](...tree.args.map(run));
  if (tree.operator) return operate(tree.operator[0], run(tree.left), () => run(tree.right), tree.operator);
  return look(tree, variables);
}

function operate(first, left, right, operator) {
  if (first === '|') return left || right();
  if (first === '&') return left && right();
  if (first === '=') return left == right();
  if (first === '!') return left != right();
  if (operator === '<') return left < right();
  if (operator === '<=') return left <= right();
  if (operator === '>') return left > right();
  if (operator === '>=') return left >= right();
  const other = right();
  return typeof left === 'number' && typeof other === 'number' ? left + other : asText(left) + asText(other);
}

function look({ path, steps }, variables) {
  if (!Object.hasOwn(variables, path)) {
    if (!Object.hasOwn(KEYWORDS, path) || steps.length > 0) throw new ImlError(`there is no variable ${path} here`);
    return KEYWORDS[path];
  }
  return steps.reduce((value, step) => {
    if (typeof step === 'number') return Array.isArray(value) ? value[step - 1] : undefined;
    if (Array.isArray(value)) throw new ImlError(`.${step} is asked of an array, in ${path}`);
    return isObject(value) && Object.hasOwn(value, step) ? value[step] : undefined;
  }, variables[path]);
}

/** Computes the expressions in a text: one alone keeps its type, others become part of the text. */
export function render(text, variables) {
  const parts = parse(text);
  if (parts.length === 1 && parts[0].tree) return compute(parts[0].tree, variables);
  return parts.map((part) => part.text ?? asText(compute(part.tree, variables))).join('');
}

/** Computes everything in a value. A key whose value is undefined goes; "{{...}}" spreads a collection. */
export function transform(value, variables) {
  if (typeof value === 'string') return render(value, variables);
  if (Array.isArray(value)) return value.map((item) => transform(item, variables));
  if (!isObject(value)) return value;
  const result = {};
  for (const [key, inner] of Object.entries(value)) {
    const computed = transform(inner, variables);
    if (key === '{{...}}') {
      if (!isEmpty(computed) && (!isObject(computed) || Array.isArray(computed))) {
        throw new ImlError('{{...}} spreads a collection only');
      }
      for (const [name, item] of Object.entries(computed ?? {})) if (item !== undefined) result[name] = item;
    } else if (key.includes('{{')) {
      throw new ImlError(`an expression as a key is not known here: ${key}`);
    } else if (computed !== undefined) {
      result[key] = computed;
    }
  }
  return result;
}
