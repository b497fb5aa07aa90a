// Runs a scenario as Make does: module by module, filters, routers, iterators with their aggregators, and
// HTTP requests that are really made.
//
// It must not know BTK nor a single blueprint. A module that it cannot run is an error. What stands outside
// (a data store, mail, the time) is given to it.

import { evaluate, evaluateAll } from './blueprint-iml.mjs';

const OPERATORS = {
  'text:equal': (a, b) => String(a ?? '') === b,
  'text:notequal': (a, b) => String(a ?? '') !== b,
  'number:greater': (a, b) => Number(a) > Number(b),
  'boolean:equal': (a, b) => String(a) === b,
};

/** What ends a run: the module that failed, and the answer that it got. */
export class RunFailed extends Error {
  constructor(module, response) {
    super(`module ${module.id} got ${response.statusCode}: ${JSON.stringify(response.data)}`);
    this.module = module.id;
    this.response = response;
  }
}

const FORMS = {
  json: ({ jsonStringBodyContent }) => jsonStringBodyContent,
  urlEncoded: ({ urlEncodedBodyContent }) =>
    new URLSearchParams(urlEncodedBodyContent.map(({ name, value }) => [name, value ?? ''])).toString(),
};

/** `http:MakeRequest`, version 4. */
async function request(module, mapper, world) {
  const url = new URL(mapper.url);
  for (const { name, value } of mapper.queryParameters) url.searchParams.append(name, value);
  const response = await fetch(url, {
    method: mapper.method.toUpperCase(),
    headers: mapper.headers.map(({ name, value }) => [name, value]),
    body: FORMS[mapper.contentType]?.(mapper),
    redirect: mapper.allowRedirects ? 'follow' : 'manual',
    signal: AbortSignal.timeout(mapper.timeout * 1000),
  });
  const text = await response.text();
  const isJson = (response.headers.get('content-type') ?? '').includes('json');
  const data = mapper.parseResponse && isJson ? JSON.parse(text) : text;
  const output = { data, statusCode: response.status, headers: Object.fromEntries(response.headers) };
  world.requests.push({ module: module.id, method: mapper.method, url: url.href, ...output });
  if (mapper.stopOnHttpError && response.status >= 400) throw new RunFailed(module, output);
  return output;
}

/** What a module does with its mapped values; it answers its output. */
const MODULES = {
  'http:MakeRequest': request,
  'gateway:WebhookRespond'(module, mapper, world) {
    if (world.answer) throw new Error('a webhook is answered once');
    world.answer = mapper;
    return {};
  },
  'datastore:ExistRecord': (module, { key }, world) => ({ exist: world.store.has(required(key)) }),
  'datastore:AddRecord'(module, { key, data, overwrite }, world) {
    if (world.store.has(required(key)) && !overwrite) throw new Error(`there is a record ${key}`);
    world.store.set(key, data);
    return { key };
  },
  'email:ActionSendEmail'(module, mapper, world) {
    world.mails.push(mapper);
    return {};
  },
};

function required(key) {
  if (key === undefined || key === null || key === '') throw new Error('a data store is asked without a key');
  return key;
}

function passes({ filter }, scope, world) {
  if (!filter) return true;
  return filter.conditions.some((all) => all.every(({ a, o, b }) => {
    if (!OPERATORS[o]) throw new Error(`not an operator: ${o}`);
    return OPERATORS[o](evaluate(a, scope, world.now), evaluate(b, scope, world.now));
  }));
}

async function walk(flow, scope, world) {
  for (const [index, module] of flow.entries()) {
    if (!passes(module, scope, world)) return;
    world.ran.push(module.id);
    if (module.module === 'builtin:BasicRouter') {
      for (const route of module.routes) await walk(route.flow, { ...scope }, world);
    } else if (module.module === 'builtin:BasicFeeder') {
      await iterate(flow, index, scope, world);
      return;
    } else {
      const run = MODULES[module.module];
      if (!run) throw new Error(`cannot run ${module.module}`);
      scope[module.id] = await run(module, evaluateAll(module.mapper, scope, world.now), world);
    }
  }
}

/** One pass for each item up to the aggregator, then the rest once with what it gathered. */
async function iterate(flow, index, scope, world) {
  const feeder = flow[index];
  const items = evaluate(feeder.mapper.array, scope, world.now);
  const end = flow.findIndex(({ parameters }) => parameters?.feeder === feeder.id);
  if (end < 0) throw new Error(`nothing gathers what module ${feeder.id} hands out`);
  const aggregator = flow[end];
  const rows = [];
  for (const item of items) {
    const inner = { ...scope, [feeder.id]: item };
    await walk(flow.slice(index + 1, end), inner, world);
    if (passes(aggregator, inner, world)) rows.push(evaluate(aggregator.mapper.value, inner, world.now));
  }
  world.ran.push(aggregator.id);
  scope[aggregator.id] = { text: rows.join(aggregator.parameters.rowSeparator) };
  await walk(flow.slice(end + 1), scope, world);
}

/**
 * One run. `bundle` is what the trigger hands on; without one the first module is run like any other. It
 * answers which modules ran, the requests that were made, the mails, and the answer of the webhook.
 */
export async function run(blueprint, { bundle, store = new Map(), now = new Date() } = {}) {
  const world = { ran: [], requests: [], mails: [], answer: null, store, now };
  const [trigger, ...rest] = blueprint.flow;
  if (!bundle) {
    await walk(blueprint.flow, {}, world);
    return world;
  }
  if (trigger.module !== 'gateway:CustomWebHook') throw new Error(`${trigger.module} takes no webhook`);
  await walk(rest, { [trigger.id]: bundle }, world);
  return world;
}

/** The bundle that a custom webhook makes of a request; with its headers if `Get request headers` is on. */
export function bundleOf({ body, headers }, { withHeaders = false } = {}) {
  const list = Object.entries(headers).map(([name, value]) => ({ name, value }));
  return withHeaders ? { ...body, __IMTHEADERS__: list } : { ...body };
}
