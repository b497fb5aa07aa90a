// As much of n8n as the nodes use: parameters, credentials, static data, HTTP requests and webhooks.
//
// It must not know tasks or BTK-System: it runs whatever node it is given. What n8n-workflow has is taken from
// there (parameters and their defaults, expressions, static data, errors); the rest follows what n8n-core does.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { NodeApiError, NodeHelpers, Workflow } = require('n8n-workflow');

const built = new URL('../dist/', import.meta.url);
const load = (path, name) => new (require(new URL(path, built).pathname)[name])();

export const action = load('nodes/BtkSystem/BtkSystem.node.js', 'BtkSystem');
export const trigger = load('nodes/BtkSystem/BtkSystemTrigger.node.js', 'BtkSystemTrigger');
export const credential = load('credentials/BtkSystemApi.credentials.js', 'BtkSystemApi');

/** One request as n8n's helper makes it; every request and answer is kept in `log`. */
async function send(options, node, log) {
  const url = new URL((options.baseURL ?? '') + options.url);
  for (const [name, value] of Object.entries(options.qs ?? {})) {
    if (value !== undefined && value !== null) url.searchParams.append(name, String(value));
  }
  // n8n sends no body where the object is empty.
  const body = options.body && Object.keys(options.body).length > 0 ? JSON.stringify(options.body) : undefined;
  const headers = { Accept: 'application/json', ...options.headers };
  if (body) headers['Content-Type'] = 'application/json';
  let answer;
  try {
    answer = await follow(url, { method: options.method ?? 'GET', headers, body }, options);
  } catch (error) {
    throw new NodeApiError(node, Object.assign(new Error(error.cause.message), { code: error.cause.code }));
  }
  const text = await answer.text();
  let parsed = text;
  try {
    parsed = JSON.parse(text);
  } catch {
    // Kept as text, as n8n does.
  }
  log.push({
    method: options.method ?? 'GET',
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    body: body && JSON.parse(body),
    headers,
    status: answer.status,
  });
  if (!answer.ok && !options.ignoreHttpStatusErrors) {
    throw new NodeApiError(node, { message: `Request failed with status code ${answer.status}` });
  }
  const full = { body: parsed, headers: Object.fromEntries(answer.headers), statusCode: answer.status };
  return options.returnFullResponse ? full : parsed;
}

/** Redirects as n8n-core follows them: with the credentials, and to anybody, unless the options say no. */
async function follow(url, request, options) {
  const answer = await fetch(url, { ...request, redirect: 'manual' });
  const { location } = Object.fromEntries(answer.headers);
  if (options.disableFollowRedirect || answer.status < 300 || answer.status > 399 || !location) return answer;
  const isWrite = answer.status < 307 && request.method !== 'GET';
  return follow(new URL(location, url), isWrite ? { ...request, method: 'GET', body: undefined } : request, options);
}

/** A node in a workflow of its own. `given` holds the parameters as the workflow stores them. */
function place(type, given, { credentials, log, timezone = 'UTC', staticData = {} }) {
  const { description } = type;
  const node = {
    id: 'the-node',
    name: description.displayName,
    type: `n8n-nodes-btk-system.${description.name}`,
    typeVersion: 1,
    position: [0, 0],
    parameters: given,
  };
  node.parameters = NodeHelpers.getNodeParameters(description.properties, given, true, false, node, description);
  const workflow = new Workflow({
    id: 'the-workflow',
    name: 'Offers',
    nodes: [node],
    connections: {},
    active: false,
    nodeTypes: { getByNameAndVersion: () => type, getByName: () => type, getKnownTypes: () => ({}) },
    staticData,
    settings: { timezone },
  });
  const resolve = (value, items, itemIndex, keys = {}) =>
    workflow.expression.getParameterValue(value, null, 0, itemIndex, node.name, items, 'manual', keys);
  const parameter = (name, items, itemIndex, fallback) => {
    const value = node.parameters[name];
    return value === undefined ? fallback : resolve(value, items, itemIndex);
  };
  const credentialKeys = { $credentials: credentials };
  const authenticated = async (name, options) => {
    if (name !== credential.name) throw new Error(`no credential ${name}`);
    const { headers } = credential.authenticate.properties;
    const added = Object.entries(headers).map(([key, value]) => [key, resolve(value, [], 0, credentialKeys)]);
    return send({ ...options, headers: { ...options.headers, ...Object.fromEntries(added) } }, node, log);
  };
  const context = {
    getNode: () => node,
    getWorkflow: () => ({ id: workflow.id, name: workflow.name, active: workflow.active }),
    getWorkflowStaticData: (kind) => workflow.getStaticData(kind, node),
    getTimezone: () => timezone,
    getCredentials: async () => credentials,
    helpers: {
      httpRequestWithAuthentication: (name, options) => authenticated(name, options),
    },
  };
  const keep = () => JSON.parse(JSON.stringify(workflow.staticData));
  return { node, context, parameter, keep, resolve: (value) => resolve(value, [], 0, credentialKeys), authenticated };
}

/** n8n with these credentials. */
export async function startN8n(credentials) {
  const log = [];
  const routes = new Map();
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const route = routes.get(request.url);
    if (!route) return response.writeHead(404).end('{"code":404,"message":"The webhook is not registered"}');
    const result = await route(request, Buffer.concat(chunks), response);
    return result.noWebhookResponse ? undefined : response.writeHead(200).end('{"message":"Workflow was started"}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const base = `http://127.0.0.1:${server.address().port}`;

  return {
    base,
    log,

    /** Runs the action node for these items and gives its first output. */
    async run(parameters, { items = [{}], continueOnFail = false, timezone } = {}) {
      const input = items.map((json) => ({ json }));
      const { context, parameter } = place(action, parameters, { credentials, log, timezone });
      const [output] = await action.execute.call({
        ...context,
        getInputData: () => input,
        getNodeParameter: (name, itemIndex, fallback) => parameter(name, input, itemIndex, fallback),
        continueOnFail: () => continueOnFail,
      });
      return output;
    },

    /** The choices of a list that the server fills. */
    async options(type, method) {
      return type.methods.loadOptions[method].call(place(type, {}, { credentials, log }).context);
    },

    /** What n8n does on the button Test of a credential. */
    async testCredential() {
      const { authenticated, resolve } = place(action, {}, { credentials, log });
      const { request, rules } = credential.test;
      const answer = await authenticated(credential.name, { ...request, baseURL: resolve(request.baseURL) });
      for (const { properties } of rules) {
        if (answer?.[properties.key] === properties.value) throw new Error(properties.message);
      }
      return answer;
    },

    /** A workflow with the trigger at this path, inactive; `staticData` is what n8n had kept of it. */
    workflow(parameters, { path = '/webhook/7c9e/webhook', staticData } = {}) {
      const placed = place(trigger, parameters, { credentials, log, staticData });
      const { context, parameter } = placed;
      const executions = [];
      const hooks = Object.fromEntries(
        Object.entries(trigger.webhookMethods.default).map(([name, method]) => [
          name,
          () =>
            method.call({
              ...context,
              getNodeParameter: (key, fallback) => parameter(key, [], 0, fallback),
              getNodeWebhookUrl: () => base + path,
            }),
        ]),
      );
      const receive = async (request, rawBody, response) => {
        const express = {
          status: (code) => {
            response.statusCode = code;
            return express;
          },
          json: (body) => response.end(JSON.stringify(body)),
        };
        const result = await trigger.webhook.call({
          ...context,
          getRequestObject: () => Object.assign(request, { rawBody }),
          getResponseObject: () => express,
          getHeaderData: () => request.headers,
          getBodyData: () => JSON.parse(rawBody.toString('utf8')),
        });
        if (result.workflowData) executions.push(...result.workflowData[0].map(({ json }) => json));
        return result;
      };
      return {
        ...hooks,
        url: base + path,
        executions,
        keep: placed.keep,
        /** Takes requests, whatever is known of the webhook. */
        listen: () => routes.set(path, receive),
        /** As n8n does it: the route first, then the webhook at the service if it is not there. */
        async activate() {
          routes.set(path, receive);
          const exists = await hooks.checkExists();
          if (!exists) await hooks.create();
          return exists ? 'there' : 'created';
        },
        async deactivate() {
          await hooks.delete();
          routes.delete(path);
        },
        /** What a crash does: n8n no longer answers there, and nobody was told. */
        crash: () => routes.delete(path),
      };
    },

    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
