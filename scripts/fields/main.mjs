// Writes the files that are made from openapi.json and integrations/fields.json, or says which of them are not so.
//
// It must not know what stands in them.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';

import { readApi } from './api.mjs';
import { makeFiles } from './make.mjs';
import { n8nFiles } from './n8n.mjs';
import { zapierFiles } from './zapier.mjs';

const read = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : '');
const [option] = process.argv.slice(2);

try {
  if (option !== undefined && option !== '--check') throw new Error(`${option}: the one option is --check`);
  const api = readApi(JSON.parse(read('openapi.json')), JSON.parse(read('integrations/fields.json')));
  const made = [...makeFiles(api, read), ...n8nFiles(api), ...zapierFiles(api)];
  const others = made.filter(([path, text]) => read(path) !== text);
  for (const [path, text] of others) {
    console.log(path);
    if (!option) writeFileSync(path, text);
  }
  if (option && others.length > 0) {
    throw new Error(
      'These files are not what openapi.json and integrations/fields.json make of them: run scripts/generate. ' +
        'A change that was made in them belongs in integrations/fields.json or in scripts/fields.',
    );
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
