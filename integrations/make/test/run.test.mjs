// The executor against a server that answers what the test wants: pages, failures, odd answers.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startReceiver } from '../../test/btk.mjs';
import { component } from './app.mjs';
import { ERASE, fill } from './form.mjs';
import { attach, bundles, connect, detach, runModule, runRpc } from './run.mjs';

const json = (status, body, headers = {}) => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
});
let answer;
const server = await startReceiver((hit) => answer(hit));
after(() => server.close());
const connection = { baseUrl: server.url, apiToken: 'tok' };

test('pages end at fifty, at the limit, and where no page follows', async () => {
  answer = () => json(200, [{ id: 'a' }, { id: 'b' }], { 'x-next-cursor': 'c' });
  const asked = async (limit) => {
    const before = server.hits.length;
    const found = await runModule('searchTasks', connection, { limit });
    return [found.length, server.hits.length - before];
  };
  assert.deepEqual(await asked(undefined), [100, 50]);
  assert.deepEqual(await asked(3), [3, 2]);
  assert.match(server.hits.at(-1).path, /limit=3&cursor=c$/);
  answer = () => json(200, [{ id: 'a' }]);
  assert.deepEqual(await asked(undefined), [1, 1]);
});

test('each status becomes the error that Make acts on', async () => {
  const seen = {};
  for (const status of [400, 401, 404, 409, 412, 413, 418, 421, 422, 429, 500, 502, 503, 504]) {
    answer = () => json(status, { error: 'A sentence', code: 'x' });
    await runModule('getTask', connection, { taskId: 't' }).catch((error) => {
      seen[status] = error.type;
      assert.equal(error.message, `[${status}] A sentence`);
    });
  }
  assert.deepEqual(seen, {
    400: 'DataError',
    401: 'InvalidAccessTokenError',
    404: 'DataError',
    409: 'DataError',
    412: 'DataError',
    413: 'DataError',
    418: 'RuntimeError',
    421: 'InvalidConfigurationError',
    422: 'DataError',
    429: 'RateLimitError',
    500: 'RuntimeError',
    502: 'ConnectionError',
    503: 'ConnectionError',
    504: 'ConnectionError',
  });
});

test('a page of a proxy instead of an answer still reads well', async () => {
  answer = () => ({ status: 502, headers: { 'content-type': 'text/html' }, body: '<h1>Bad gateway</h1>' });
  const expected = { type: 'ConnectionError', message: '[502] No reason given' };
  await assert.rejects(runRpc('listStatuses', connection), expected);
});

test('another server than BTK-System is no connection', async () => {
  answer = () => ({ headers: { 'content-type': 'text/html' }, body: '<h1>Welcome</h1>' });
  const parameters = { baseUrl: server.url, apiToken: 'tok' };
  await assert.rejects(connect(parameters), {
    type: 'InvalidConfigurationError',
    message: 'There is no BTK-System server at this address.',
  });
  const webhook = { url: 'https://hook.example.com/1' };
  for (const reply of [answer, () => json(200, {})]) {
    answer = reply;
    const attaching = attach(connection, webhook, { events: ['task_created'] });
    await assert.rejects(attaching, { type: 'InvalidConfigurationError' });
  }
});

test('what a server gives as the ID of a webhook stays one segment of the path', async () => {
  answer = () => ({ status: 204 });
  await detach(connection, { externalHookId: '../tasks/task_1' });
  assert.match(server.hits.at(-1).path, /^\/api\/webhooks\/[^/]+$/);
});

test('no log shows the token', async () => {
  const log = [];
  answer = () => json(200, { version: '1', name: 'n', id: 'x' });
  await connect({ baseUrl: server.url, apiToken: 'tok_secret' }, log);
  await runModule('getTask', { ...connection, apiToken: 'tok_secret' }, { taskId: 't' }, log);
  assert.equal(server.hits.at(-1).headers.authorization, 'Bearer tok_secret');
  assert.equal(log.length, 2);
  assert.doesNotMatch(JSON.stringify(log), /tok_secret/);
});

test('the token goes to the server of the connection, whatever the URL of an API call', async () => {
  answer = () => json(200, {});
  for (const [url, path] of [
    ['/api/tasks', '/api/tasks'],
    ['api/tasks?limit=1', '/api/tasks?limit=1'],
    ['https://example.com/x', '/https:/example.com/x'],
    ['//example.com/x', '/example.com/x'],
    ['@example.com/x', '/@example.com/x'],
    ['\\example.com', '/%5Cexample.com'],
  ]) {
    await runModule('makeApiCall', connection, { url, method: 'GET' });
    assert.equal(server.hits.at(-1).path, path);
  }
});

test('a directive that is not known here is an error', async () => {
  const ask = (communication) => bundles(communication, { connection, parameters: {} }, []);
  answer = () => json(200, {});
  await assert.rejects(ask({ url: '/', repeat: {}, response: {} }), /unknown directive repeat/);
  await assert.rejects(ask({ url: '/', response: { temp: {} } }), /unknown directive temp/);
  await assert.rejects(ask({ url: '/', response: {}, pagination: { page: 1 } }), /unknown directive page/);
  const binary = { url: '/', method: 'POST', body: 'x', type: 'binary', response: {} };
  await assert.rejects(ask(binary), /unknown type binary/);
});

test('the form leaves out what is empty, and erase does not', () => {
  const { mappableParams } = component('module', 'updateTask');
  const empty = { title: '', description: null, tags: [] };
  const erased = { dueDate: ERASE, attachments: ERASE };
  const filled = fill(mappableParams, { taskId: 't', status: 'DONE', ...empty, ...erased });
  assert.deepEqual(filled, { taskId: 't', status: 'DONE', dueDate: null, attachments: [] });
  assert.throws(() => fill(mappableParams, {}), /Missing value of required parameter 'taskId'/);
  assert.throws(() => fill(mappableParams, { taskId: 't', colour: 'red' }), /no field colour/);
  assert.equal(fill(component('module', 'searchTasks').mappableParams).limit, 10);
});
