// Every file of the app against Make's own JSON schemas, the ones its editor uses.
//
// They are not part of this repository: MAKE_SCHEMAS names a folder with them, or one lies beside the repository. How to
// fill it stands in ../README.md.

import Ajv from 'ajv';
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { component, files, readJson } from './app.mjs';

const beside = resolve(fileURLToPath(new URL('../../..', import.meta.url)), '..', 'shared', 'make-schemas');
const folder = process.env.MAKE_SCHEMAS ?? beside;
// A folder that was named and is not there is a mistake, not a reason to skip.
const isHere = process.env.MAKE_SCHEMAS !== undefined || existsSync(folder);
const skip = isHere ? false : "Make's schemas are not here; name their folder in MAKE_SCHEMAS";

/** Their inner `$id`s ("#request") are no addresses and would confuse the resolver. */
function withoutInnerIds(value) {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(withoutInnerIds);
  const kept = Object.entries(value).filter(([key, inner]) => key !== '$id' || !String(inner).startsWith('#'));
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutInnerIds(inner)]));
}

function load() {
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false, unicodeRegExp: false });
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.json'))) {
    const schema = JSON.parse(readFileSync(join(folder, name), 'utf8'));
    if (name !== 'file-to-schema.json') ajv.addSchema(withoutInnerIds(schema), name);
  }
  const map = JSON.parse(readFileSync(join(folder, 'file-to-schema.json'), 'utf8'));
  const fits = (pattern, path) => !pattern.includes('/') && basename(path).endsWith(pattern.replace(/^\*/, ''));
  const schemaOf = (path) => map.find(({ fileMatch }) => fileMatch.some((pattern) => fits(pattern, path)))?.url;
  return (path, content) => {
    const url = schemaOf(path);
    if (!url) return [`no schema is meant for ${path}`];
    const validate = ajv.getSchema(basename(url));
    return validate(content) ? [] : validate.errors.map((error) => `${error.instancePath} ${error.message}`);
  };
}

test('every file passes the schema that Make has for it', { skip }, () => {
  const faults = load();
  for (const path of files().filter((file) => !file.endsWith('.md'))) {
    assert.deepEqual(faults(path, readJson(path)), [], path);
  }
});

test('the schemas find what is wrong', { skip }, () => {
  const faults = load();
  const { communication, mappableParams } = component('module', 'createTask');
  const error = { message: 'x' };
  for (const [path, wrong] of [
    ['x.communication.iml.json', { ...communication, body: undefined }],
    ['x.communication.iml.json', { ...communication, method: 'post' }],
    ['x.communication.iml.json', { ...communication, timeout: 1000 }],
    ['x.communication.iml.json', { ...communication, response: { error: { 404: error } } }],
    ['x.communication.iml.json', { ...communication, response: { error: { '500-599': error, message: 'x' } } }],
    ['x.mappable-params.iml.json', [{ ...mappableParams[0], type: 'string' }]],
    ['groups.json', [{ label: 'Tasks' }]],
    ['makecomapp.json', {}],
  ]) {
    const content = JSON.parse(JSON.stringify(wrong));
    assert.notDeepEqual(faults(path, content), [], JSON.stringify(content));
  }
});
