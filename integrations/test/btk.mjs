// A real btk and a real receiver over loopback, for the tests of all integrations.
//
// It must not know Make, n8n or Zapier: it starts the program, asks its API, and keeps what arrives.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** How long a state may take to come about before a test gives up on it, in milliseconds. */
const PATIENCE = 20_000;

/** The API token of every server that is started here. */
export const TOKEN = 'tok_integration_tests';

const root = fileURLToPath(new URL('../..', import.meta.url));

function program() {
  const built = process.env.BTK ?? join(root, 'target', 'debug', 'btk');
  if (!existsSync(built)) throw new Error(`${built} is not there; build it first: cargo build`);
  return built;
}

/** Asks again and again until `check` answers something; `what` names the state in the failure. */
export async function eventually(what, check) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const found = await check();
    if (found) return found;
    if (Date.now() > end) throw new Error(`not within ${PATIENCE} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Starts a program that says where it listens; waits until it has said so. */
export async function startProgram(command, args, { cwd, env }) {
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  // A test that fails before its end leaves nothing running; nor does one that fails before it has begun, which would
  // wait for the program for ever.
  const end = () => child.kill('SIGTERM');
  process.once('exit', end);
  process.once('uncaughtExceptionMonitor', end);
  const lines = [];
  const ended = new Promise((resolve) => {
    child.once('close', resolve);
    child.once('error', (error) => {
      lines.push(String(error));
      resolve();
    });
  });
  let isOver = false;
  ended.then(() => (isOver = true));
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => lines.push(line));
  }
  const url = await eventually(`${command} listens`, () => {
    const line = lines.find((line) => /Listening\s+http:/.test(line));
    if (line) return `http://127.0.0.1:${/:(\d+)/.exec(line)[1]}`;
    if (isOver) throw new Error(`${command} ended at its start:\n${lines.join('\n')}`);
    return undefined;
  });
  return {
    url,
    /** What it has printed so far. */
    lines,
    /** Ends it as a service manager does. */
    async stop() {
      end();
      await ended;
      process.off('exit', end);
      process.off('uncaughtExceptionMonitor', end);
    },
  };
}

/**
 * Starts btk with these settings on a free port, in an empty folder that goes away with it. Webhooks
 * may go to loopback.
 */
export async function startBtk(settings = {}) {
  const home = await mkdtemp(join(tmpdir(), 'btk-'));
  const env = { PORT: '0', HOST: '127.0.0.1', API_TOKEN: TOKEN, WEBHOOK_ALLOW_TARGETS: '127.0.0.1/32', ...settings };
  const { url, stop } = await startProgram(program(), [], { cwd: home, env });

  /** One request; the body, if any, is sent and read as JSON where it is JSON. */
  async function api(method, path, body, headers = {}) {
    const answer = await fetch(url + path, {
      method,
      headers: {
        Authorization: `Bearer ${TOKEN}`,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    const isJson = (answer.headers.get('content-type') ?? '').includes('json');
    return { status: answer.status, headers: answer.headers, body: isJson ? JSON.parse(text) : text };
  }

  return {
    url,
    token: TOKEN,
    api,
    /** Creates a task and returns it. */
    async task(fields) {
      const made = await api('POST', '/api/tasks', fields);
      if (made.status !== 201) throw new Error(`${made.status}: ${JSON.stringify(made.body)}`);
      return made.body;
    },
    async stop() {
      await stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/**
 * Starts a receiver that keeps every request. `answer(hit)` may say `{status, headers, body}`; without
 * it each request is answered 200.
 */
export async function startReceiver(answer = () => ({})) {
  const hits = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const raw = Buffer.concat(chunks).toString('utf8');
    let body = raw;
    try {
      body = JSON.parse(raw);
    } catch {
      // Kept as text.
    }
    const hit = { method: request.method, path: request.url, headers: request.headers, raw, body };
    const { status = 200, headers = {}, body: text = '' } = await answer(hit);
    // Not by writeHead: so the length is told, which some clients need to know that a short answer is whole.
    response.statusCode = status;
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    response.end(text);
    hits.push(hit);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const end = () => server.close().closeAllConnections();
  process.once('uncaughtExceptionMonitor', end);
  let read = 0;
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    hits,
    /** Waits for the next request that was not handed out yet. */
    async next() {
      await eventually('a request to the receiver', () => hits.length > read);
      return hits[read++];
    },
    async close() {
      process.off('uncaughtExceptionMonitor', end);
      end();
      await once(server, 'close');
    },
  };
}
