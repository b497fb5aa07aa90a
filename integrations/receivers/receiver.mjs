// A receiver in JavaScript that takes only what btk signed, by the official library of Standard Webhooks.
//
// It must not know how a signature is made; that is the library's part. Start it with:
//   WEBHOOK_SIGNING_SECRET=whsec_… node receiver.mjs

import { createServer } from 'node:http';
import { Webhook } from 'standardwebhooks';

const webhook = new Webhook(process.env.WEBHOOK_SIGNING_SECRET ?? '');
const seen = new Set();

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  // The signature covers the bytes: verify them as they came, not what parsing makes of them.
  const body = Buffer.concat(chunks).toString('utf8');
  let event;
  try {
    event = webhook.verify(body, request.headers);
  } catch (error) {
    console.log(`Refused: ${error.message}`);
    response.writeHead(401, { 'Content-Type': 'text/plain' }).end(error.message);
    return;
  }
  // The same event may come again; it then has the same id.
  const id = request.headers['webhook-id'];
  if (!seen.has(id)) {
    seen.add(id);
    console.log(`${event.event} ${id} ${event.task.title}`);
  }
  response.writeHead(204).end();
});
server.listen(Number(process.env.PORT ?? 5055), '127.0.0.1', () => {
  console.log(`Listening http://127.0.0.1:${server.address().port}`);
});
