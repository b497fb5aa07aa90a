// What the tests share: the app as Zapier runs it, against a btk that was started for them.
//
// It must not know what is tested.

import { createAppHandler, createAppTester } from 'zapier-platform-core';

import app from '../index.js';
import { TOKEN } from '../../test/btk.mjs';

const run = createAppTester(app);

/** What Zapier's runner says to a command of the CLI, for any app. */
export async function commandOf(definition, command) {
  return (await createAppHandler(definition)({ command })).results;
}

/** The app as one person's Zap uses it: `use(operation, inputData, more of the bundle)`. */
export function zapOf(address, token = TOKEN) {
  return (operation, inputData = {}, more = {}) =>
    run(operation, { authData: { address, token }, inputData, meta: {}, ...more });
}

/** How an operation failed, as Zapier reads it: the kind of error, and what stands in it. */
export async function failureOf(promise) {
  let result;
  try {
    result = await promise;
  } catch (error) {
    const isJson = error.message.startsWith('{');
    return { kind: error.name, ...(isJson ? JSON.parse(error.message) : { message: error.message }) };
  }
  throw new Error(`it did not fail but gave ${JSON.stringify(result)}`);
}

/** The keys of a value in Zapier's notation: `task__title`, `task__attachments[]name`. */
export function keysOf(value, at = '') {
  if (Array.isArray(value)) {
    const keys = value.flatMap((one) => (one !== null && typeof one === 'object' ? keysOf(one, `${at}[]`) : [at]));
    return [...new Set(keys.length > 0 ? keys : [at])].sort();
  }
  if (value === null || typeof value !== 'object') return [at];
  const before = at === '' || at.endsWith('[]') ? at : `${at}__`;
  return Object.entries(value)
    .flatMap(([key, one]) => keysOf(one, before + key))
    .sort();
}

/** A delivery as Zapier hands it to a trigger's `perform`. */
export function delivered(hit, subscribeData) {
  const headers = Object.fromEntries(
    Object.entries(hit.headers).map(([name, value]) => [
      `Http-${name.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase())}`,
      value,
    ]),
  );
  return {
    subscribeData,
    rawRequest: { method: hit.method, querystring: '', headers, content: hit.raw },
    cleanedRequest: { ...hit.body, querystring: {} },
  };
}
