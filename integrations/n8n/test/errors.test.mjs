// What the action node says when something goes wrong: the server's own sentence, or who else answered.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { startBtk, startReceiver } from '../../test/btk.mjs';
import { fails } from './fails.mjs';
import { startN8n } from './host.mjs';

let btk;
let n8n;
before(async () => {
  btk = await startBtk();
  n8n = await startN8n({ address: btk.url, apiToken: btk.token });
});
after(async () => {
  await n8n.stop();
  await btk.stop();
});

describe('an error tells', () => {
  test('what the server said, its code and where to find it in the log', async () => {
    const parameters = { operation: 'create', title: 'x', additionalFields: { type: 'not a label' } };
    await fails(n8n.run(parameters), (error) => {
      assert.equal(error.constructor.name, 'NodeApiError');
      assert.match(error.message, /^type "not a label" is not a label; 1 to 40 of A-Z/);
      assert.match(error.description, /^BTK-System answered 400 \(invalid_field\)\. In its log: req_[a-z0-9]+\.$/);
      assert.equal(error.httpCode, '400');
    });
    const never = { operation: 'create', title: 'x', additionalFields: { dueDate: 'some day' } };
    await fails(n8n.run(never), (error) => assert.match(error.message, /^dueDate "some day" /));
    for (const dueDate of ['1.12.2026', '01/12/2026', '12']) {
      const unclear = { operation: 'create', title: 'x', additionalFields: { dueDate } };
      await fails(n8n.run(unclear), (error) => assert.match(error.message, /^dueDate ".+" /, 'which month is not guessed'));
    }
  });

  /** An address that answers so. */
  async function against(answer, check) {
    const server = await startReceiver(() => answer);
    const there = await startN8n({ address: server.url, apiToken: btk.token });
    try {
      await fails(there.run({ operation: 'getAll' }), check);
    } finally {
      await there.stop();
      await server.close();
    }
  }

  test('a wrong token', async () => {
    const there = await startN8n({ address: btk.url, apiToken: 'tok_wrong' });
    await fails(there.run({ operation: 'getAll' }), (error) => {
      assert.match(error.message, /^Unauthorized: .*API_TOKEN/);
      assert.equal(error.httpCode, '401');
    });
    await assert.rejects(there.testCredential(), /401/);
    await there.stop();
  });

  test('a server that is busy, and when to try again', () =>
    against(
      {
        status: 503,
        headers: { 'Content-Type': 'application/json', 'Retry-After': '5' },
        body: '{"error":"Too busy","code":"busy","requestId":"req_1"}',
      },
      (error) => {
        assert.equal(error.message, 'Too busy');
        assert.equal(error.description, 'BTK-System answered 503 (busy). Try again in 5 s. In its log: req_1.');
      },
    ));

  test('a proxy that answers in its place', () =>
    against({ status: 502, body: '<h1>Bad Gateway</h1>' }, (error) => {
      assert.equal(error.message, 'The address in the credentials answered 502');
      assert.equal(error.httpCode, '502');
    }));

  test('an address at which something else lives', async () => {
    const parameters = { create: { title: 'x' }, update: { updateFields: { title: 'x' } }, getAll: {}, get: {}, delete: {} };
    for (const body of ['<h1>Welcome</h1>', '{}', '[{}]', 'null']) {
      const server = await startReceiver(() => ({ body }));
      const there = await startN8n({ address: server.url, apiToken: btk.token });
      for (const [operation, given] of Object.entries(parameters)) {
        await fails(there.run({ operation, taskId: 'task_1', ...given }), (error) => {
          assert.equal(error.message, 'This is not the answer of a BTK-System server', `${operation} ${body}`);
          assert.match(error.description, /^Check the address/);
        });
      }
      await assert.rejects(there.testCredential(), /not the answer of a BTK-System server/);
      await there.stop();
      await server.close();
    }
  });

  test('a redirect is not followed: a write would arrive as a read, and the token at a stranger', async () => {
    const stranger = await startReceiver();
    const server = await startReceiver(() => ({ status: 301, headers: { Location: `${stranger.url}/api/tasks` } }));
    const there = await startN8n({ address: server.url, apiToken: btk.token });
    await fails(there.run({ operation: 'create', title: 'x' }), (error) => {
      assert.equal(error.message, 'The address in the credentials answered 301');
      assert.match(error.description, /It leads to http:.+: if that is your server, put its address/);
    });
    await assert.rejects(there.testCredential(), /301/);
    assert.deepEqual(stranger.hits, []);
    await there.stop();
    await server.close();
    await stranger.close();
  });

  test('a server that is not there', async () => {
    const server = await startReceiver();
    await server.close();
    const there = await startN8n({ address: server.url, apiToken: btk.token });
    await fails(there.run({ operation: 'getAll' }), (error) => {
      assert.equal(error.constructor.name, 'NodeApiError');
      assert.match(error.message, /refused the connection/);
    });
    await there.stop();
  });
});
