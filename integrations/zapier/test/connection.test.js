// The connection: good and bad addresses and tokens, and how the server's problems reach a person.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import app from '../index.js';
import { startBtk, startReceiver, TOKEN } from '../../test/btk.mjs';
import { failureOf, zapOf } from './support.js';

const { test: check, connectionLabel } = app.authentication;
const { find_task: find, create_task: create } = { ...app.searches, ...app.creates };
const search = find.operation.perform;

let btk;
before(async () => (btk = await startBtk({ PUBLIC_URL: 'https://tasks.example.org' })));
after(() => btk.stop());

/** Another server than btk, that answers everything with `answer`. */
async function withServer(answer, use) {
  const server = await startReceiver(() => answer);
  try {
    return await use(server.url, server);
  } finally {
    await server.close();
  }
}

test('a good connection is named after its server', async () => {
  const me = await zapOf(btk.url)(check);
  assert.deepEqual(me, (await btk.api('GET', '/api/me')).body);
  assert.equal(connectionLabel({}, { inputData: me }), 'tasks.example.org');
});

test('slashes and spaces around the address do no harm', async () => {
  for (const address of [`${btk.url}/`, `${btk.url}//`, `  ${btk.url} `]) {
    assert.equal((await zapOf(address)(check)).name, 'tasks.example.org', address);
  }
});

test('the address may hold a path, as behind a proxy', async () => {
  await withServer({ status: 404 }, async (url, server) => {
    await failureOf(zapOf(`${url}/btk/`)(check));
    assert.equal(server.hits[0].path, '/btk/api/me');
  });
});

test('a bad token asks for a new one', async () => {
  const { kind, message } = await failureOf(zapOf(btk.url, 'tok_wrong')(check));
  assert.equal(kind, 'ExpiredAuthError');
  assert.match(message, /^The API token was refused\. Put the value of API_TOKEN .* into the connection\. /);
  assert.match(message, /\(The server says: Unauthorized: .*\)$/);
  assert.doesNotMatch(message, /tok_/);
});

test('an address that is none is explained before anything is sent', async () => {
  const cases = {
    'tasks.example.org': /The address cannot be read; it needs http/,
    '': /The address cannot be read/,
    'ftp://tasks.example.org': /must begin with https:\/\/ or http:\/\//,
    'https://me:hunter2@tasks.example.org': /must not hold a name or password/,
    'https://tasks.example.org/?a=b': /must not hold a \? or a #/,
  };
  for (const [address, sentence] of Object.entries(cases)) {
    const failure = await failureOf(zapOf(address)(check));
    assert.equal(failure.code, 'bad_address', address);
    assert.match(failure.message, sentence);
    assert.doesNotMatch(failure.message, /hunter2/, 'a password is not repeated');
    assert.match(failure.message, /Write it like https:\/\/tasks\.example\.org\.$/);
  }
});

test('nobody at the address', async () => {
  const gone = await startReceiver();
  await gone.close();
  const { code, message } = await failureOf(zapOf(gone.url)(check));
  assert.equal(code, 'unreachable');
  assert.match(message, /^Zapier cannot reach http:\/\/127\.0\.0\.1:\d+ \(ECONNREFUSED\)\. The server must run/);
});

test('somebody else at the address', async () => {
  const page = { headers: { 'Content-Type': 'text/html' }, body: '<h1>Welcome</h1>' };
  const failure = await withServer(page, (url) => failureOf(zapOf(url)(check)));
  assert.equal(failure.code, 'not_btk');
  const missing = await withServer({ ...page, status: 404 }, (url) => failureOf(zapOf(url)(check)));
  assert.match(missing.message, /answered 404, but not as BTK-System does\. Check the address/);
});

test('whatever else answers is never taken for a success', async () => {
  const operations = [
    ...Object.values(app.creates).map(({ operation }) => operation.perform),
    ...Object.values(app.searches).map(({ operation }) => operation.perform),
    ...Object.values(app.triggers).flatMap(({ operation }) =>
      operation.type === 'hook' ? [operation.performSubscribe, operation.performList] : [operation.perform],
    ),
  ];
  const inputData = { id: 'task_1', title: 'a', status: 'DONE' };
  const json = { 'Content-Type': 'application/json' };
  for (const reply of [{ body: '<h1>Welcome</h1>' }, { headers: json, body: '{}' }, { headers: json, body: '[{}]' }]) {
    await withServer(reply, async (url) => {
      for (const operation of operations) {
        const failure = await failureOf(zapOf(url)(operation, inputData, { targetUrl: 'https://hooks.example.com/x' }));
        assert.equal(failure.code, 'not_btk');
        assert.doesNotMatch(failure.message, /hooks\.example|tok_/);
      }
    });
  }
});

test('a redirect is not followed: a write would arrive as a read', async () => {
  const away = { status: 301, headers: { Location: 'https://tasks.example.org/api/tasks' } };
  await withServer(away, async (url, server) => {
    const failure = await failureOf(zapOf(url)(create.operation.perform, { title: 'Moved' }));
    assert.equal(failure.code, 'redirected');
    assert.match(failure.message, /redirect to https:\/\/tasks\.example\.org\/api\/tasks\. Put the address/);
    assert.equal(server.hits.length, 1);
  });
});

test('every request carries the token and where it comes from', async () => {
  await withServer({ body: '[]' }, async (url, server) => {
    await zapOf(url)(search, { q: 'offer' });
    const [{ headers }] = server.hits;
    assert.equal(headers.authorization, `Bearer ${TOKEN}`);
    assert.equal(headers['x-btk-origin'], 'zapier');
  });
});

test("a refused field keeps the server's sentence", async () => {
  const failure = await failureOf(zapOf(btk.url)(create.operation.perform, { title: 'A', status: 'CLOSED' }));
  assert.equal(failure.kind, 'AppError');
  assert.equal(failure.status, 400);
  assert.equal(failure.code, 'invalid_field');
  assert.equal(failure.message, 'status "CLOSED" is not allowed; use one of OPEN, IN_PROGRESS, DONE, CANCELLED');
});

test('a server that wants fewer requests is asked again when it says so', async () => {
  const signIn = (z) => z.request({ method: 'POST', url: '/api/session', body: { token: 'tok_wrong' } });
  const failures = [];
  for (let tries = 0; tries < 11; tries += 1) failures.push(await failureOf(zapOf(btk.url)(signIn)));
  assert.equal(failures[0].kind, 'ExpiredAuthError');
  const { kind, message, delay } = failures.at(-1);
  assert.equal(kind, 'ThrottledError');
  assert.match(message, /^Too many wrong secrets came from this address/);
  assert.ok(delay > 0 && delay <= 60, `${delay}`);
});

test('a server that cannot just now is asked again too, with or without a time', async () => {
  const busy = { status: 503, headers: { 'Content-Type': 'application/json' }, body: '{"error":"The disk is full"}' };
  const soon = { ...busy, headers: { ...busy.headers, 'Retry-After': '7' } };
  const timed = await withServer(soon, (url) => failureOf(zapOf(url)(search, { q: 'a' })));
  assert.deepEqual(timed, { kind: 'ThrottledError', message: 'The disk is full', delay: 7 });
  const open = await withServer(busy, (url) => failureOf(zapOf(url)(search, { q: 'a' })));
  assert.deepEqual(open, { kind: 'ThrottledError', message: 'The disk is full' });
});
