// api-types: the types of the API out of openapi.json, for the check of the page scripts: what each call answers and what
// stands in it. Written to api.d.ts, which git ignores, before each check: a field is named in one place, the server's.

import { readFileSync, writeFileSync } from 'node:fs';

const openapi = JSON.parse(readFileSync(new URL('../../openapi.json', import.meta.url), 'utf8'));
const PLAIN = { integer: 'number', number: 'number', string: 'string', boolean: 'boolean', null: 'null' };

/** A schema as a type. */
function typeOf(schema) {
  if (schema.$ref) return schema.$ref.split('/').at(-1);
  if (schema.allOf) return schema.allOf.map(typeOf).join(' & ');
  const several = schema.oneOf ?? schema.anyOf;
  if (several) return `(${[...new Set(several.map(typeOf))].join(' | ')})`;
  if ('const' in schema) return JSON.stringify(schema.const);
  if (schema.enum) return `(${schema.enum.map((value) => JSON.stringify(value)).join(' | ')})`;
  return [schema.type ?? 'unknown'].flat().map((type) => ofType(type, schema)).join(' | ');
}

function ofType(type, { items, properties, required = [], additionalProperties: rest }) {
  if (type === 'array') return `${items ? typeOf(items) : 'unknown'}[]`;
  if (type !== 'object') return PLAIN[type] ?? 'unknown';
  if (!properties) return `Record<string, ${rest ? typeOf(rest) : 'unknown'}>`;
  const fields = Object.entries(properties).map(
    ([name, schema]) => `${JSON.stringify(name)}${required.includes(name) ? '' : '?'}: ${typeOf(schema)};`,
  );
  return `{ ${fields.join(' ')} }`;
}

/** What a call answers when all goes well. */
function answerOf({ responses }) {
  const good = Object.entries(responses).filter(([status]) => status.startsWith('2'));
  const schemas = good.map(([, { content }]) => content?.['application/json']?.schema ?? { type: 'null' });
  return [...new Set(schemas.map(typeOf))].join(' | ');
}

const nouns = Object.entries(openapi.components.schemas).map(([name, schema]) => `  type ${name} = ${typeOf(schema)};`);

// The longest first: `${string}` would take a slash for a letter; and names before what may be any text.
const parts = (path) => path.split('/').length;
const answers = Object.entries(openapi.paths)
  .sort(([a], [b]) => parts(b) - parts(a) || a.includes('{') - b.includes('{'))
  .flatMap(([path, operations]) =>
    Object.entries(operations)
      .filter(([, operation]) => operation.responses)
      .map(([method, operation]) => {
        const call = `${method.toUpperCase()} ${path.replace(/\{[^}]*\}/g, '${string}')}`;
        return `    Call extends \`${call}\` ? ${answerOf(operation)} :`;
      }),
  );

const text = `declare namespace Api {
${nouns.join('\n')}

  /** What a call answers, by its method and path; of a path that is not known before it runs, anything. */
  type Answer<Call extends string> = string extends Call ? any :
${answers.join('\n')}
    any;
}
`;
writeFileSync(new URL('api.d.ts', import.meta.url), text);
