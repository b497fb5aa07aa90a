// The blueprints as files: every rule holds for each of them, and every rule is seen to catch what it is for.
//
// It must not run a scenario; blueprint-run.test.mjs does.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

import { faults, modules, RULE_NAMES } from './blueprint-rules.mjs';

const folder = new URL('../blueprints/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
const read = (name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8'));

const ROUTE = 'route-events-and-answer.json';
const FORM = 'new-task-from-form.json';
const DIGEST = 'daily-digest-of-due-tasks.json';
const DEDUPLICATE = 'deduplicate-by-webhook-id.json';

const CALL_BACK = 'https://tasks.somebody.org/api/incoming-webhook';

const find = (blueprint, id) => [...modules(blueprint.flow)].find(({ module }) => module.id === id).module;

/** What to break, in which blueprint, and which rule must say so. Each break is one of those that people make. */
const BREAKS = [
  ['top level', ROUTE, (b) => { b.scheduling = { type: 'immediately' }; }],
  ['name', ROUTE, (b) => { b.name = ''; }],
  ['name', ROUTE, (b) => { b.name = 'n'.repeat(121); }],
  ['flow', ROUTE, (b) => { b.flow = []; }],
  ['metadata', ROUTE, (b) => { b.metadata.version = 2; }],
  ['metadata', ROUTE, (b) => { delete b.metadata.scenario.sequential; }],
  ['metadata', ROUTE, (b) => { b.metadata.scenario.slots = null; }],
  ['metadata', ROUTE, (b) => { delete b.metadata.designer.orphans; }],
  ['unique ids', ROUTE, (b) => { find(b, 6).id = 3; }],
  ['unique ids', FORM, (b) => { find(b, 5).id = 0; }],
  ['module names', ROUTE, (b) => { find(b, 3).module = 'http:ActionSendData'; }],
  ['module names', ROUTE, (b) => { find(b, 3).module = 'HTTP'; }],
  ['module names', DIGEST, (b) => { delete find(b, 5).version; }],
  ['account-bound keys', ROUTE, (b) => { find(b, 1).parameters.hook = 123456; }],
  ['account-bound keys', DIGEST, (b) => { find(b, 5).parameters.account = 123456; }],
  ['account-bound keys', DIGEST, (b) => { find(b, 5).parameters.__IMTCONN__ = 123456; }],
  ['account-bound keys', DEDUPLICATE, (b) => { find(b, 2).parameters.datastore = 123456; }],
  ['account-bound keys', FORM, (b) => { find(b, 3).mapper.bodyDataStructure = 123456; }],
  ['account-bound keys', ROUTE, (b) => { b.metadata.zone = 'eu1.make.com'; }],
  ['exporter-only metadata', ROUTE, (b) => { find(b, 3).metadata.restore = {}; }],
  ['designer positions', ROUTE, (b) => { delete find(b, 3).metadata.designer; }],
  ['designer positions', ROUTE, (b) => { find(b, 3).metadata.designer.x = 610; }],
  ['designer positions', ROUTE, (b) => { find(b, 4).metadata.designer.y = 0; }],
  ['routers', ROUTE, (b) => { find(b, 2).mapper = {}; }],
  ['routers', ROUTE, (b) => { find(b, 2).filter = find(b, 3).filter; }],
  ['routers', ROUTE, (b) => { find(b, 2).routes.push({ flow: [] }); }],
  ['routers', DIGEST, (b) => { find(b, 3).mapper = null; }],
  ['filters', ROUTE, (b) => { delete find(b, 4).filter; }],
  ['filters', ROUTE, (b) => { find(b, 1).filter = { name: 'x', conditions: [[{ a: 'x', o: 'exist' }]] }; }],
  ['filters', ROUTE, (b) => { find(b, 3).filter.conditions = find(b, 3).filter.conditions[0]; }],
  ['filters', ROUTE, (b) => { find(b, 3).filter.conditions[0][0].o = 'equals'; }],
  ['filters', ROUTE, (b) => { delete find(b, 3).filter.conditions[0][0].b; }],
  ['references', ROUTE, (b) => { find(b, 3).mapper.headers[1].value = '{{9.id}}'; }],
  ['references', ROUTE, (b) => { find(b, 4).mapper.headers[1].value = '{{3.data.taskId}}'; }],
  ['references', DIGEST, (b) => { find(b, 5).mapper.text = '{{3.title}}'; }],
  ['references', DIGEST, (b) => { find(b, 4).parameters.feeder = 5; }],
  ['expressions', ROUTE, (b) => { find(b, 3).mapper.headers[1].value = '{{ifempty(1.id, 1.event)}}'; }],
  ['expressions', ROUTE, (b) => { find(b, 3).mapper.headers[1].value = '{{1.event}'; }],
  ['expressions', ROUTE, (b) => { find(b, 3).mapper.headers[1].value = '{{iffempty(1.id; 1.event)}}'; }],
  ['expressions', ROUTE, (b) => { find(b, 3).mapper.headers[1].value = '{{1.event}}{{uuid}}'; }],
  ['expressions', ROUTE, (b) => { find(b, 3).mapper.jsonStringBodyContent = '{"task":{"id":"x"}}'; }],
  ['error handlers', ROUTE, (b) => {
    const designer = { x: 900, y: 0 };
    find(b, 3).onerror = [{ id: 7, module: 'util:SetVariable2', version: 1, mapper: {}, metadata: { designer } }];
  }],
  ['nothing of anybody', ROUTE, (b) => { find(b, 3).mapper.url = CALL_BACK; }],
  ['nothing of anybody', DIGEST, (b) => { find(b, 5).mapper.to = ['me@somebody.org']; }],
  ['nothing of anybody', ROUTE, (b) => { b.description = `whsec${'_'}${'A'.repeat(40)}`; }],
  ['custom webhooks', ROUTE, (b) => { find(b, 1).parameters = { maxResults: 1 }; }],
  ['custom webhooks', DIGEST, (b) => { find(b, 5).module = 'gateway:CustomWebHook'; }],
  ['webhook responses', FORM, (b) => { find(b, 4).mapper.status = 201; }],
  ['webhook responses', FORM, (b) => { find(b, 4).mapper.headers = [{ name: 'X-Form', value: '1' }]; }],
  ['webhook responses', FORM, (b) => { find(b, 4).mapper.body = '{ "title": "{{1.title}}" }'; }],
  ['HTTP requests', ROUTE, (b) => { find(b, 3).version = 3; }],
  ['HTTP requests', ROUTE, (b) => { find(b, 3).mapper.method = 'POST'; }],
  ['HTTP requests', ROUTE, (b) => { find(b, 3).mapper.url = 'http://btk.example.com/api/incoming-webhook'; }],
  ['HTTP requests', ROUTE, (b) => { find(b, 3).mapper.headers[0] = { key: 'X-Webhook-Secret', value: 'x' }; }],
  ['HTTP requests', ROUTE, (b) => { find(b, 3).mapper.timeout = 301; }],
  ['HTTP requests', ROUTE, (b) => { delete find(b, 3).mapper.parseResponse; }],
  ['HTTP requests', ROUTE, (b) => { find(b, 3).parameters.authenticationType = 'apiKey'; }],
  ['bodies of requests', ROUTE, (b) => { find(b, 3).mapper.jsonStringBodyContent = '{ "x": "{{1.task.title}}" }'; }],
  ['bodies of requests', ROUTE, (b) => { find(b, 3).mapper.jsonStringBodyContent = '{ "id": {{1.task.id}} '; }],
  ['bodies of requests', ROUTE, (b) => { find(b, 3).mapper.inputMethod = 'dataStructure'; }],
  ['bodies of requests', ROUTE, (b) => { find(b, 3).mapper.contentType = 'application/json'; }],
  ['bodies of requests', ROUTE, (b) => { find(b, 3).mapper.headers.pop(); }],
  ['bodies of requests', FORM, (b) => { find(b, 3).mapper.jsonStringBodyContent = '{}'; }],
  ['bodies of requests', DIGEST, (b) => { find(b, 1).mapper.contentType = 'json'; }],
  ['refusals are seen', ROUTE, (b) => { find(b, 3).mapper.stopOnHttpError = false; }],
  ['writes can be repeated', ROUTE, (b) => { find(b, 3).mapper.headers.splice(1, 1); }],
  ['writes can be repeated', FORM, (b) => { find(b, 3).mapper.headers[1].value = 'form'; }],
  ['writes can be repeated', FORM, (b) => { find(b, 3).mapper.headers[1].value = '{{now}}'; }],
  ['writes can be repeated', FORM, (b) => { find(b, 3).mapper.headers[1].value = '{{formatDate(now; "X")}}'; }],
  ['placeholders', ROUTE, (b) => { find(b, 3).mapper.headers[0].value = 'sesame'; }],
  ['placeholders', ROUTE, (b) => { find(b, 3).mapper.url += '?secret=YOUR_WEBHOOK_SECRET'; }],
  ['iterators and aggregators', DIGEST, (b) => { find(b, 3).mapper.array = 'all of {{1.data}}'; }],
  ['iterators and aggregators', DIGEST, (b) => { delete find(b, 4).parameters.feeder; }],
  ['data stores', DEDUPLICATE, (b) => { find(b, 4).mapper.key = '{{1.task.id}}'; }],
  ['data stores', DEDUPLICATE, (b) => { b.metadata.scenario.sequential = false; }],
  ['order', ROUTE, (b) => { b.metadata.scenario.sequential = false; }],
  ['order', ROUTE, (b) => { b.metadata.scenario.dlq = false; }],
  ['order', FORM, (b) => { b.metadata.scenario.sequential = true; }],
];

test('the four blueprints are there', () => {
  assert.deepEqual(files.sort(), [DIGEST, DEDUPLICATE, FORM, ROUTE]);
});

for (const name of files) {
  test(`${name} keeps every rule`, () => assert.deepEqual(faults(read(name)), []));
}

for (const [index, [rule, name, change]] of BREAKS.entries()) {
  test(`rule "${rule}" catches break ${index + 1}: ${change.toString().slice(10, 90)}`, () => {
    const broken = read(name);
    change(broken);
    const caught = faults(broken).filter((fault) => fault.rule === rule);
    assert.ok(caught.length > 0, `not caught; others said ${JSON.stringify(faults(broken))}`);
    assert.ok(caught.every(({ says }) => !says.startsWith('could not be checked')), caught[0].says);
  });
}

test('each rule is broken once', () => {
  assert.deepEqual(RULE_NAMES.filter((rule) => !BREAKS.some(([broken]) => broken === rule)), []);
});

test('README names every blueprint and every placeholder', () => {
  const readme = readFileSync(new URL('README.md', folder), 'utf8');
  const all = files.map((name) => readFileSync(new URL(name, folder), 'utf8')).join('');
  const placeholders = [...new Set(all.match(/YOUR_[A-Z_]+|[\w.]*@?[\w.]*example\.com/g))];
  assert.deepEqual(placeholders.length, 5);
  for (const word of [...files, ...placeholders]) assert.ok(readme.includes(word), `${word} is not in README.md`);
});
