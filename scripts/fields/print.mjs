// Writes values as a person would: on one line where that fits, else each part on a line of its own.
//
// It must not know what they mean.

/** Stands in code as it is, such as the name of a constant. */
export class Code {
  constructor(text) {
    this.text = text;
  }
}

const JSON_STYLE = {
  width: 101,
  last: '',
  key: JSON.stringify,
  text: JSON.stringify,
};

const CODE_STYLE = {
  width: 120,
  last: ',',
  key: (name) => (/^[A-Za-z_]\w*$/.test(name) ? name : CODE_STYLE.text(name)),
  text: (text) => (text.includes("'") ? JSON.stringify(text) : `'${text.replaceAll('\\', '\\\\')}'`),
};

/** `at`: how far in the value stands; `taken`: how much of its first line and its last is taken by others. */
function print(value, style, at = 0, taken = 0) {
  if (value instanceof Code) return value.text;
  if (typeof value === 'string') return style.text(value);
  if (value === null || typeof value !== 'object') return String(value);
  const isList = Array.isArray(value);
  const parts = isList
    ? value.map((one) => ['', one])
    : Object.entries(value)
        .filter(([, one]) => one !== undefined)
        .map(([key, one]) => [`${style.key(key)}: `, one]);
  const [open, close] = isList ? ['[', ']'] : ['{ ', ' }'];
  if (parts.length === 0) return isList ? '[]' : '{}';
  const inline = open + parts.map(([key, one]) => key + print(one, { ...style, width: Infinity })).join(', ') + close;
  if (at + taken + inline.length <= style.width) return inline;
  const indent = ' '.repeat(at + 2);
  const comma = (index) => (style.last || index < parts.length - 1 ? 1 : 0);
  const lines = parts.map(([key, one], index) => indent + key + print(one, style, at + 2, key.length + comma(index)));
  return `${open.trim()}\n${lines.join(',\n')}${style.last}\n${' '.repeat(at)}${close.trim()}`;
}

export const asJson = (value) => `${print(value, JSON_STYLE)}\n`;

/** `start` is what stands before the value on its line. */
export const asCode = (start, value) => `${start}${print(value, CODE_STYLE, 0, start.length + 1)};\n`;
