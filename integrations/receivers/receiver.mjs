// A receiver in JavaScript that takes only what btk signed, by the official library of Standard Webhooks.
//
// It must not know how a signature is made; that is the library's part. Start it with:
//   WEBHOOK_SIGNING_SECRET=whsec_… node receiver.mjs

import { createServer } from 'node:http';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';

/** More than the largest event: a task and the one before it, with all that may be in them. */
const MOST_BYTES = 4 * 1024 * 1024;

const { WEBHOOK_SIGNING_SECRET: secret, PORT = '5055' } = process.env;
if (!secret) {
  console.error('Set WEBHOOK_SIGNING_SECRET to the secret of the webhook, whsec_…');
  process.exit(1);
}
const webhook = new Webhook(secret);
const seen = new Set();

/** Takes one request, or throws what is wrong with it. */
async function take(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MOST_BYTES) throw new Error('The body is too large');
    chunks.push(chunk);
  }
  // The signature covers the bytes: verify them as they came, not what parsing makes of them.
  const { event, task } = webhook.verify(Buffer.concat(chunks).toString('utf8'), request.headers);
  // The same event may come again; it then has the same id.
  const id = request.headers['webhook-id'];
  if (seen.has(id)) return;
  console.log(`${event} ${id} ${task.title}`);
  seen.add(id);
}

const server = createServer(async (request, response) => {
  try {
    await take(request);
    response.writeHead(204).end();
  } catch (error) {
    console.log(`Refused: ${error.message}`);
    const status = error instanceof WebhookVerificationError ? 401 : 400;
    response.writeHead(status, { 'Content-Type': 'text/plain' }).end(error.message);
  }
});
server.listen(Number(PORT), '127.0.0.1', () => {
  console.log(`Listening http://127.0.0.1:${server.address().port}`);
});
