// What single modules of Make ask of their parameters and mappers, and what BTK asks of a scenario.
//
// Each rule gets the blueprint and all its modules, as in blueprint-rules.mjs. It must not know how a
// scenario runs.

const METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete', 'options'];
const BODIES = {
  json: { key: 'jsonStringBodyContent', header: 'application/json' },
  urlEncoded: { key: 'urlEncodedBodyContent', header: 'application/x-www-form-urlencoded' },
};
const SWITCHES = ['parseResponse', 'stopOnHttpError', 'allowRedirects', 'shareCookies', 'requestCompressedContent'];
/**
 * What holds no quote, backslash or line break: an answer of BTK, or a value without all but the characters of ids and
 * dates. Whoever knows the address of a webhook can send it anything.
 */
const CANNOT_BREAK_JSON = /^(\d+\.data\.taskId|replace\((.+); "\/\[\^A-Za-z0-9_.:-\]\/g"; emptystring\))$/;
const PLACEHOLDERS = { Authorization: 'Bearer YOUR_API_TOKEN', 'X-Webhook-Secret': 'YOUR_WEBHOOK_SECRET' };

const named = (all, name) => all.map(({ module }) => module).filter((module) => module.module === name);
const requests = (all) => named(all, 'http:MakeRequest');
const pairs = (list, ...names) =>
  Array.isArray(list) && list.every((item) => Object.keys(item).join() === names.join());
const header = (module, name) =>
  (module.mapper.headers ?? []).find((item) => item.name.toLowerCase() === name.toLowerCase())?.value;

function* breakable(json) {
  for (const [, code] of json.matchAll(/\{\{(.*?)\}\}/g)) {
    if (!CANNOT_BREAK_JSON.test(code)) yield `{{${code}}} may hold a quote or a line break, which breaks the JSON`;
  }
  try {
    JSON.parse(json.replaceAll(/\{\{.*?\}\}/g, 'x'));
  } catch (error) {
    yield `not JSON: ${error.message}`;
  }
}

export const MODULE_RULES = {
  *'custom webhooks'(blueprint, all) {
    for (const { module, index, kind } of all) {
      if (module.module !== 'gateway:CustomWebHook') continue;
      if (kind !== 'scenario' || index !== 0) yield `module ${module.id}: a custom webhook comes first`;
      if (Object.keys(module.parameters ?? { none: 0 }).length > 0) yield `module ${module.id}: its parameters are {}`;
    }
  },
  *'webhook responses'(blueprint, all) {
    for (const module of named(all, 'gateway:WebhookRespond')) {
      const { status, headers, body } = module.mapper;
      if (!/^[2-5]\d\d$/.test(status) || typeof status !== 'string') yield `module ${module.id}: status is a text`;
      if (!pairs(headers, 'key', 'value')) yield `module ${module.id}: headers are {key, value}`;
      for (const fault of breakable(body)) yield `module ${module.id}: ${fault}`;
      if (blueprint.flow[0].module !== 'gateway:CustomWebHook') yield `module ${module.id}: there is nobody to answer`;
    }
  },
  *'HTTP requests'(blueprint, all) {
    for (const module of requests(all)) {
      const { mapper, parameters, version } = module;
      const { method, timeout } = mapper;
      const fault = (what) => `module ${module.id}: ${what}`;
      if (version !== 4) yield fault('HTTP is version 4');
      if (parameters.authenticationType !== 'noAuth') yield fault('only noAuth needs no credential');
      if (!METHODS.includes(method)) yield fault(`the method ${method} is not one of ${METHODS.join(' ')}`);
      if (!/^https:\/\//.test(mapper.url)) yield fault('Make calls https:// only');
      if (!pairs(mapper.headers, 'name', 'value')) yield fault('headers are {name, value}');
      if (!pairs(mapper.queryParameters, 'name', 'value')) yield fault('queryParameters are {name, value}');
      if (!Number.isInteger(timeout) || timeout < 1 || timeout > 300) yield fault('timeout is 1 to 300');
      for (const key of SWITCHES) if (typeof mapper[key] !== 'boolean') yield fault(`${key} is true or false`);
    }
  },
  *'bodies of requests'(blueprint, all) {
    for (const module of requests(all)) {
      const { mapper } = module;
      const fault = (what) => `module ${module.id}: ${what}`;
      const given = Object.keys(mapper).filter((key) => key.endsWith('BodyContent') || key === 'inputMethod');
      if (mapper.method === 'get') {
        if (mapper.contentType !== undefined || given.length > 0) yield fault('a get has no body');
        continue;
      }
      const kind = BODIES[mapper.contentType];
      if (!kind) {
        yield fault(`contentType ${mapper.contentType} is not one of ${Object.keys(BODIES).join(' ')}`);
        continue;
      }
      const wanted = mapper.contentType === 'json' ? ['inputMethod', kind.key] : [kind.key];
      if (given.sort().join() !== wanted.join()) yield fault(`${mapper.contentType} goes with ${wanted.join(' and ')}`);
      if (header(module, 'Content-Type') !== kind.header) yield fault(`the header Content-Type is ${kind.header}`);
      if (mapper.contentType === 'json') {
        if (mapper.inputMethod !== 'jsonString') yield fault('only jsonString needs no data structure');
        for (const what of breakable(mapper.jsonStringBodyContent ?? '')) yield fault(what);
      } else if (!pairs(mapper.urlEncodedBodyContent, 'name', 'value')) {
        yield fault('the fields of a form are {name, value}');
      }
    }
  },
  *'refusals are seen'(blueprint, all) {
    for (const module of requests(all)) {
      if (module.mapper.stopOnHttpError !== true) yield `module ${module.id}: a refusal would pass unseen`;
    }
  },
  *'writes can be repeated'(blueprint, all) {
    for (const module of requests(all)) {
      const key = header(module, 'Idempotency-Key') ?? '';
      if (module.mapper.method !== 'get' && !/\{\{(?:[^}]*\W)?\d+\.[a-z_]/i.test(key)) {
        yield `module ${module.id}: Make may run it again; it needs an Idempotency-Key from the run's data`;
      }
    }
  },
  *'placeholders'(blueprint, all) {
    for (const module of requests(all)) {
      for (const [name, placeholder] of Object.entries(PLACEHOLDERS)) {
        const found = header(module, name);
        if (found !== undefined && found !== placeholder) yield `module ${module.id}: ${name} is ${placeholder}`;
      }
      if (/[?&](secret|token|key)=/i.test(module.mapper.url)) yield `module ${module.id}: a secret belongs in a header`;
    }
  },
  *'iterators and aggregators'(blueprint, all) {
    for (const module of named(all, 'builtin:BasicFeeder')) {
      if (!/^\{\{.*\}\}$/.test(module.mapper.array)) yield `module ${module.id}: array is one expression`;
    }
    for (const module of named(all, 'util:TextAggregator')) {
      const { feeder, rowSeparator } = module.parameters;
      if (!all.some(({ module: { id } }) => id === feeder)) yield `module ${module.id} has no feeder`;
      if (typeof rowSeparator !== 'string') yield `module ${module.id} has no rowSeparator`;
      if (typeof module.mapper.value !== 'string') yield `module ${module.id} has no value`;
    }
  },
  *'data stores'(blueprint, all) {
    const [look] = named(all, 'datastore:ExistRecord');
    const [add] = named(all, 'datastore:AddRecord');
    if (!look && !add) return;
    if (!look?.mapper.key || look.mapper.key !== add?.mapper.key) yield 'what is looked up is not what is remembered';
    if (blueprint.metadata.scenario.sequential !== true) yield 'two runs at a time would both find nothing';
  },
  *'order'(blueprint) {
    const { sequential, dlq } = blueprint.metadata.scenario;
    if (dlq !== true) yield 'dlq is on: what fails is kept';
    const answers = JSON.stringify(blueprint.flow).includes('gateway:WebhookRespond');
    const events = JSON.stringify(blueprint.flow).includes('{{1.event}}');
    if (events && !sequential) yield 'a later event would overtake an earlier one';
    if (answers && sequential) yield 'one failed run would leave everybody else without an answer';
  },
};
