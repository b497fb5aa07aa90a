// Signatures, checked by others: btk sends to receivers that use the official libraries of Standard Webhooks.
//
// It must not know how a signature is made. A relay stands between btk and the receiver and changes what
// goes through it, as somebody on the way might.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Webhook } from 'standardwebhooks';
import { eventually, startBtk, startProgram, startReceiver } from '../../test/btk.mjs';

const folder = fileURLToPath(new URL('..', import.meta.url));

const LANGUAGES = {
  JavaScript: [process.execPath, 'receiver.mjs'],
  Python: ['python3', 'receiver.py'],
};

/** Another secret, as well made as a real one. */
const STRANGER = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

/** Odd characters that signing and verifying must count as the same bytes. */
const ODD = 'Größe "1" \\ \n \u2028 🦀 \u{10ffff}';

function flip(text, at) {
  const other = text[at] === 'A' ? 'B' : 'A';
  return text.slice(0, at) + other + text.slice(at + 1);
}

/** What somebody on the way might do; each must be refused. */
const TAMPERINGS = {
  'another title': (hit) => ({ ...hit, raw: hit.raw.replace('Send the offer', 'Send the money') }),
  'one byte more': (hit) => ({ ...hit, raw: `${hit.raw} ` }),
  'no body': (hit) => ({ ...hit, raw: '' }),
  'another id': (hit) => with_(hit, 'webhook-id', `${hit.headers['webhook-id']}0`),
  'another second': (hit) => with_(hit, 'webhook-timestamp', String(Number(hit.headers['webhook-timestamp']) + 1)),
  'ten minutes old': (hit) => with_(hit, 'webhook-timestamp', String(Number(hit.headers['webhook-timestamp']) - 600)),
  'another signature': (hit) => with_(hit, 'webhook-signature', flip(hit.headers['webhook-signature'], 10)),
  'no signature': (hit) => with_(hit, 'webhook-signature', undefined),
};

function with_(hit, name, value) {
  const headers = { ...hit.headers, [name]: value };
  if (value === undefined) delete headers[name];
  return { ...hit, headers };
}

const OF_THE_CONNECTION = ['host', 'content-length', 'connection', 'accept-encoding'];

async function forward(url, { headers, raw }) {
  const kept = Object.entries(headers).filter(([name]) => !OF_THE_CONNECTION.includes(name));
  const answer = await fetch(url, { method: 'POST', headers: Object.fromEntries(kept), body: raw });
  return { status: answer.status, body: await answer.text() };
}

for (const [language, [command, script]] of Object.entries(LANGUAGES)) {
  describe(`a receiver in ${language}`, () => {
    const started = [];
    let btk;
    let change = (hit) => hit;
    let target;
    let relay;

    const startVerifier = async (secret) => {
      const env = {
        ...process.env,
        PORT: '0',
        WEBHOOK_SIGNING_SECRET: secret,
        // Where scripts/test-integrations puts the library.
        PYTHONPATH: join(folder, '.python'),
      };
      const receiver = await startProgram(command, [join(folder, script)], { cwd: folder, env });
      started.push(receiver);
      return receiver;
    };

    /** The delivery of a new task, once it has ended. */
    const deliver = async (webhook, title) => {
      const task = await btk.task({ title });
      return eventually('the delivery has ended', async () => {
        const { body } = await btk.api('GET', `/api/deliveries?taskId=${task.id}&webhookId=${webhook}`);
        return body.find(({ finishedAt }) => finishedAt);
      });
    };

    before(async () => {
      btk = await startBtk();
      relay = await startReceiver((hit) => forward(target.url, change(hit)));
    });
    after(async () => {
      await btk?.stop();
      await relay?.close();
      for (const receiver of started) await receiver.stop();
    });

    test('takes what btk signed and nothing that was changed on the way', async () => {
      const made = await btk.api('POST', '/api/webhooks', { url: relay.url, events: ['task_created'] });
      const webhook = made.body.id;
      target = await startVerifier(made.body.secret);
      assert.equal((await deliver(webhook, ODD)).status, 'delivered');
      assert.equal((await deliver(webhook, 'Send the offer')).status, 'delivered');
      for (const [what, tamper] of Object.entries(TAMPERINGS)) {
        const genuine = relay.hits.at(-1);
        const { status } = await forward(target.url, tamper(genuine));
        assert.equal(status, 401, what);
        assert.equal((await forward(target.url, genuine)).status, 204, `${what}: and the genuine one again`);
      }
      const id = relay.hits.at(-1).headers['webhook-id'];
      const said = target.lines.filter((line) => line.includes(id));
      assert.deepEqual(said, [`task_created ${id} Send the offer`], 'a repeat does nothing');

      // The whole way: btk sees the refusal, and says that it is one.
      change = TAMPERINGS['another title'];
      const refused = await deliver(webhook, 'Send the offer');
      assert.deepEqual([refused.status, refused.reason], ['failed', 'rejected']);
      assert.match(refused.reasonText, /401/);
      change = (hit) => hit;

      target = await startVerifier(STRANGER);
      assert.equal((await deliver(webhook, 'Send the offer')).status, 'failed', 'another secret');
      await btk.api('DELETE', `/api/webhooks/${webhook}`);
    });

    test('outlives whatever is sent to it', async () => {
      target = await startVerifier(STRANGER);
      const sign = (raw) => {
        const [id, at] = ['evt_1', new Date()];
        const signature = new Webhook(STRANGER).sign(id, at, raw);
        const second = String(Math.floor(at.getTime() / 1_000));
        return { raw, headers: { 'webhook-id': id, 'webhook-timestamp': second, 'webhook-signature': signature } };
      };
      for (const raw of ['null', '{}', '[]', '{"event":"task_created"}', '{"event":1,"task":null}', 'x', '']) {
        const { status } = await forward(target.url, sign(raw));
        assert.ok([400, 401].includes(status), `${raw}: ${status}`);
      }
      const { port } = new URL(target.url);
      for (const head of ['content-length: 9', 'content-length: 99999999999999', 'content-length: x', 'x: \xff']) {
        const socket = connect(Number(port), '127.0.0.1');
        socket.on('error', () => {});
        await once(socket, 'connect');
        socket.write(Buffer.from(`POST / HTTP/1.1\r\nhost: a\r\n${head}\r\n\r\n{`, 'latin1'));
        socket.end();
        await once(socket.resume(), 'close');
      }
      const large = await forward(target.url, { raw: 'a'.repeat(4_200_000), headers: {} }).catch(() => ({ status: 400 }));
      assert.equal(large.status, 400);
      const genuine = sign(JSON.stringify({ event: 'task_created', task: { title: 'Still there' } }));
      assert.equal((await forward(target.url, genuine)).status, 204);
      assert.ok(target.lines.every((line) => !/Traceback|at .*\.mjs/.test(line)), target.lines.join('\n'));
    });

    test('changes over to a new secret at any moment of the 24 hours', async () => {
      const made = await btk.api('POST', '/api/webhooks', { url: relay.url, events: ['task_created'] });
      const webhook = made.body.id;
      const first = await startVerifier(made.body.secret);
      const rotate = async () => (await btk.api('POST', `/api/webhooks/${webhook}/rotate-secret`)).body.secret;
      const second = await startVerifier(await rotate());
      for (target of [first, second]) {
        assert.equal((await deliver(webhook, 'Send the offer')).status, 'delivered');
      }
      const both = relay.hits.at(-1);
      assert.equal(both.headers['webhook-signature'].split(' ').length, 2);
      const tampered = TAMPERINGS['another title'](both);
      for (const { url } of [first, second]) assert.equal((await forward(url, tampered)).status, 401);

      const third = await startVerifier(await rotate());
      for (target of [second, third]) {
        assert.equal((await deliver(webhook, 'Send the offer')).status, 'delivered');
      }
      const newest = relay.hits.at(-1);
      assert.equal((await forward(first.url, newest)).status, 401, 'only the newest two hold');
      await btk.api('DELETE', `/api/webhooks/${webhook}`);
    });
  });
}
