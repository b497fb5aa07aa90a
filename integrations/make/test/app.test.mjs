// What can be checked of the app without Make: its layout, its names, its texts, and that what it promises to give is
// what the server sends.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startBtk } from '../../test/btk.mjs';
import { base, component, files, manifest, named, readJson } from './app.mjs';
import { parse } from './iml.mjs';

const { components } = manifest;
const ids = (kind) => Object.keys(components[kind]);
const modules = ids('module').map((id) => ({ id, ...component('module', id) }));
const webhook = component('webhook', 'taskEvents');
const { communication: connection } = component('connection', 'apiKey');
const requests = [
  ...ids('module').map((id) => [id, component('module', id).communication]),
  ...ids('rpc').map((id) => [id, component('rpc', id).communication]),
  ['connection', connection],
  ['attach', webhook.attach],
  ['detach', webhook.detach],
].filter(([, communication]) => Object.keys(communication).length > 0);

/** Every text in a value, whatever its depth. */
function* texts(value) {
  if (typeof value === 'string') yield value;
  else if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) yield* texts(inner);
}

/** Every field in a form or an interface, whatever its depth. */
function* fields(list) {
  for (const field of list) {
    yield field;
    if (field.spec) yield* fields([field.spec].flat());
    if (field.rpc?.parameters) yield* fields(field.rpc.parameters);
  }
}

const forms = [
  ...modules.filter((module) => module.mappableParams).map(({ id, mappableParams }) => [id, mappableParams]),
  ['webhook', webhook.params],
  ['connection', component('connection', 'apiKey').params],
  ['findTasks', component('rpc', 'findTasks').params],
];
const interfaces = modules.map((module) => [module.id, module.interface]);

test('the manifest names every file, and every file that it names is there', () => {
  const there = files().filter((path) => path !== 'makecomapp.json').sort();
  assert.deepEqual(named().sort(), there);
  assert.equal(new Set(named()).size, named().length, 'no file is named twice');
});

test('IDs are such as Make takes', () => {
  for (const id of [...ids('module'), ...ids('rpc')]) assert.match(id, /^[a-zA-Z][0-9a-zA-Z]{2,47}$/);
  for (const id of [...ids('connection'), ...ids('webhook')]) assert.match(id, /^[a-zA-Z][0-9a-zA-Z-]{2,34}$/);
  for (const { appId } of manifest.origins) assert.match(appId, /^[a-z][0-9a-z-]{1,28}[0-9a-z]$/);
});

test('files lie where Make looks for them', () => {
  for (const kind of ['connection', 'webhook', 'module', 'rpc']) {
    for (const [id, { codeFiles }] of Object.entries(components[kind])) {
      const name = id.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      for (const [block, path] of Object.entries(codeFiles).filter(([, path]) => path !== null)) {
        const part = block.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
        assert.equal(path, `${kind}s/${name}/${name}.${part}.iml.json`);
      }
    }
  }
});

test('a list to choose from shows as many as Make takes', () => {
  for (const id of ids('rpc')) assert.equal(component('rpc', id).communication.response.limit, 500, id);
  assert.equal(component('rpc', 'findTasks').communication.qs.limit, 500);
});

test('every module is in one group', () => {
  const grouped = readJson(manifest.generalCodeFiles.groups).flatMap((group) => group.modules);
  assert.deepEqual([...grouped].sort(), ids('module').sort());
});

test('modules have the types and connections that Make wants', () => {
  const crud = { createTask: 'create', getTask: 'read', updateTask: 'update', deleteTask: 'delete' };
  for (const { id, moduleType, actionCrud, connection: used, webhook: hook } of modules) {
    assert.equal(actionCrud, crud[id]);
    assert.equal(moduleType === 'action', id in crud);
    assert.equal(used, hook ? null : 'apiKey', 'the webhook holds the connection of an instant trigger');
    assert.equal(hook, moduleType === 'instant_trigger' ? 'taskEvents' : undefined);
  }
  assert.equal(modules.filter(({ moduleType }) => moduleType === 'universal').length, 1);
});

test('labels are in sentence case, descriptions and helps are sentences', () => {
  const names = ['API', 'BTK-System', 'ID', 'Make', 'URL', 'A', 'Z'];
  const sentenceCase = (label) => {
    const [first, ...rest] = label.split(' ');
    assert.match(first, /^[A-Z0-9]/, label);
    for (const word of rest) if (!names.includes(word)) assert.match(word, /^[a-z0-9]/, label);
  };
  for (const { label, description, moduleType } of modules) {
    sentenceCase(label);
    assert.match(label, moduleType === 'action' ? /^\w+ an? / : /^(Watch|Search) \w+s$|^Make an API call$/);
    assert.match(description, /^[A-Z].+\.$/);
  }
  const others = [...Object.values(components.rpc), ...Object.values(components.connection)];
  for (const { label } of [...others, webhook, ...readJson(manifest.generalCodeFiles.groups)]) sentenceCase(label);
  for (const [where, list] of [...forms, ...interfaces]) {
    for (const field of fields(list)) {
      if (field.type === 'banner') continue;
      assert.ok(field.label, `${where} ${field.name} has a label`);
      sentenceCase(field.label);
      for (const help of [field.help, field.mappable?.help]) if (help) assert.match(help, /^[A-Z0-9].+\.$/);
      const options = Array.isArray(field.options) ? field.options : [];
      for (const { label } of options) if (label.includes(' ')) sentenceCase(label);
    }
  }
});

test('required fields come first, advanced ones last and never required; the limit is the last, of 10', () => {
  for (const [where, list] of forms) {
    const rank = list.map((field) => (field.required ? 0 : field.advanced ? 2 : 1));
    assert.deepEqual(rank, [...rank].sort(), where);
    assert.ok(!list.some((field) => field.required && field.advanced), where);
  }
  for (const { mappableParams } of modules.filter(({ moduleType }) => moduleType === 'search')) {
    const { name, label, type, required, default: preset } = mappableParams.at(-1);
    assert.deepEqual([name, label, type, required, preset], ['limit', 'Limit', 'uinteger', undefined, 10]);
  }
});

test('every IML expression in every file can be read', () => {
  for (const path of files().filter((file) => file.endsWith('.json'))) {
    for (const text of texts(readJson(path))) assert.doesNotThrow(() => parse(text), path);
  }
  const keys = JSON.stringify(requests).match(/"\{\{[^"]*\}\}":/g) ?? [];
  assert.deepEqual([...new Set(keys)], ['"{{...}}":']);
});

test('a form uses only fields that the request sends, and the request only fields of the form', () => {
  for (const { id, communication, mappableParams = [] } of modules) {
    const used = new Set(JSON.stringify(communication).match(/parameters\.\w+/g));
    assert.deepEqual([...used].sort(), mappableParams.map(({ name }) => `parameters.${name}`).sort(), id);
  }
  const used = new Set(JSON.stringify(webhook.attach).match(/parameters\.\w+/g));
  assert.deepEqual([...used].sort(), webhook.params.map(({ name }) => `parameters.${name}`).sort());
});

test('connections and webhooks say all themselves, since they inherit nothing', () => {
  for (const [communication, source] of [
    [connection, /^\{\{replace\(parameters\.baseUrl, /],
    [webhook.attach, /^\{\{connection\.baseUrl\}\}\/api\//],
    [webhook.detach, /^\{\{connection\.baseUrl\}\}\/api\//],
  ]) {
    assert.match(communication.url, source);
    assert.match(communication.headers.Authorization, /^Bearer \{\{\w+\.apiToken\}\}$/);
    assert.ok(communication.response.error.message);
  }
  for (const { communication } of modules) assert.doesNotMatch(communication.url ?? '/', /^(?!\/)/);
});

test('detach knows nothing but the connection and what attach saved', () => {
  const { url, headers } = webhook.detach;
  const used = JSON.stringify([url, headers]).match(/\{\{.*?\}\}/g);
  assert.deepEqual([...new Set(used)].sort(), [
    '{{connection.apiToken}}',
    '{{connection.baseUrl}}',
    '{{encodeURL(webhook.externalHookId)}}',
  ]);
  assert.ok('externalHookId' in webhook.attach.response.data);
});

test('methods are upper case, writes have a body, errors are by exact status', () => {
  for (const [where, { method, body, response }] of [...requests, ['base', base]]) {
    if (method) assert.match(method, /^(GET|POST|PUT|PATCH|DELETE|\{\{parameters\.method\}\})$/, where);
    if (['POST', 'PUT', 'PATCH'].includes(method)) assert.ok(body, where);
    const error = response?.error;
    if (!error) continue;
    assert.ok(error.message, where);
    for (const [status, { type, message }] of Object.entries(error).filter(([key]) => key !== 'message')) {
      assert.match(status, /^[45]\d\d$/, where);
      assert.match(type, /^[A-Z]\w+Error$/, where);
      assert.match(message, /body\.error/, where);
    }
  }
});

test('wherever the token is sent, the log hides it', () => {
  for (const [where, communication] of [...requests, ['base', base]]) {
    const sends = Object.keys(communication.headers ?? {}).some((name) => name.toLowerCase() === 'authorization');
    const inherits = where in components.module || where in components.rpc;
    if (inherits) assert.ok(!communication.log && !sends, `${where} leaves both to the base`);
    else assert.ok(sends && communication.log.sanitize.includes('request.headers.authorization'), where);
  }
  assert.ok(webhook.attach.log.sanitize.includes('response.body.secret'));
});

test('every RPC that is named is there, and every one that is there is named', () => {
  const all = JSON.stringify(forms).match(/rpc:\/\/\w+/g);
  assert.deepEqual([...new Set(all)].sort(), ids('rpc').map((id) => `rpc://${id}`).sort());
});

// --- What the app promises against what the server sends ---

const btk = await startBtk();
after(() => btk.stop());
const { id: _id, ...everyField } = component('module', 'createTask').samples;
const task = await btk.task(everyField);
const events = (await btk.api('GET', '/api/events/samples?payload=full')).body;

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const TYPES = {
  text: (value) => typeof value === 'string',
  url: (value) => typeof value === 'string' && URL.canParse(value),
  date: (value) => typeof value === 'string' && ISO.test(value),
  uinteger: (value) => Number.isInteger(value) && value >= 0,
  array: Array.isArray,
  collection: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
};

/** The same keys in the same order, and values of the types that the fields say; `where` names the place. */
function agrees(list, value, where) {
  assert.deepEqual(list.map(({ name }) => name), Object.keys(value), where);
  for (const { name, type, spec } of list) {
    const inner = value[name];
    const place = `${where}.${name}`;
    if (inner === null) continue;
    assert.ok(TYPES[type](inner), `${place} is ${type}`);
    if (type === 'collection') agrees(spec, inner, place);
    if (type !== 'array') continue;
    assert.ok(inner.length > 0 || place.endsWith('.changed'), `${place} shows an item`);
    for (const item of inner) {
      if (Array.isArray(spec)) agrees(spec, item, place);
      else assert.ok(TYPES[spec.type](item), place);
    }
  }
}

test('interfaces and samples of tasks have the fields that the server sends', () => {
  for (const id of ['createTask', 'getTask', 'updateTask', 'deleteTask', 'searchTasks']) {
    const { interface: promised, samples } = component('module', id);
    agrees(promised, task, id);
    agrees(promised, samples, id);
    assert.ok(Object.values(samples).every((value) => value !== null), 'a sample shows every field filled');
  }
});

test('interface and sample of events have the fields that the server sends', () => {
  const { interface: promised, samples } = component('module', 'watchEvents');
  assert.equal(events.length, 4);
  for (const event of events) agrees(promised, event, event.event);
  agrees(promised, samples, 'sample');
  const { type, changed } = events.find(({ event }) => event === samples.event);
  assert.deepEqual([samples.type, samples.changed], [type, changed]);
  assert.ok(Object.values(samples).every((value) => value !== null));
});

test('the interface of an API call is its output', () => {
  const { interface: promised, samples, communication } = component('module', 'makeApiCall');
  assert.deepEqual(promised.map(({ name }) => name), Object.keys(communication.response.output));
  assert.deepEqual(promised.map(({ name }) => name), Object.keys(samples));
});
