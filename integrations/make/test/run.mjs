// Executes the components of the app against a server, as Make's runtime does.
//
// It knows the directives of Make and not what this app does with them. A directive that it does not know is an error:
// the app uses nothing whose effect was not looked at here.

import { base, component } from './app.mjs';
import { render, transform } from './iml.mjs';

/** Make's limits for one run of a module. */
const PAGES = 50;

const REQUEST = ['url', 'encodeUrl', 'method', 'headers', 'qs', 'body', 'type', 'response', 'pagination', 'log'];
const RESPONSE = ['error', 'valid', 'limit', 'iterate', 'output', 'data', 'metadata'];

/** A failure as Make shows it: its type decides what Make does next. */
class MakeError extends Error {
  constructor(type, message, status) {
    super(message);
    this.type = type;
    this.status = status;
  }
}

function known(object, names, where) {
  const stranger = Object.keys(object ?? {}).find((name) => !names.includes(name));
  if (stranger) throw new Error(`unknown directive ${stranger} in ${where}`);
}

// --- What Make runs ---

/** Modules and RPCs inherit from the base; connections and webhooks do not. */
function inherited(own) {
  return {
    ...own,
    headers: { ...base.headers, ...own.headers },
    response: { ...base.response, ...own.response },
    log: own.log ?? base.log,
  };
}

/** The bundles of an action or a search. */
export async function runModule(id, connection, parameters, log = []) {
  const { communication } = component('module', id);
  return bundles(inherited(communication), { connection, parameters }, log);
}

/** The options that a dynamic select or a finder shows. */
export async function runRpc(id, connection, parameters = {}, log = []) {
  const { communication } = component('rpc', id);
  return bundles(inherited(communication), { connection, parameters }, log);
}

/** What Make keeps of a connection: what was typed in, and on top of it what the app saved. */
export async function connect(parameters, log = []) {
  const { communication } = component('connection', 'apiKey');
  const { after } = await exchange(communication, { parameters, connection: parameters }, log);
  const data = { ...parameters, ...transform(communication.response.data, after) };
  return { data, metadata: transform(communication.response.metadata, after) };
}

/** Subscribes; answers the webhook as detach sees it. */
export async function attach(connection, webhook, parameters, log = []) {
  const { attach: communication } = component('webhook', 'taskEvents');
  const { after } = await exchange(communication, { connection, webhook, parameters }, log);
  return { ...webhook, ...transform(communication.response.data, after) };
}

export async function detach(connection, webhook, log = []) {
  const { detach: communication } = component('webhook', 'taskEvents');
  await exchange(communication, { connection, webhook }, log);
}

/** One request to the webhook: what Make answers, and the bundle that starts the scenario, if any. */
export function receive({ body, query = {}, method = 'POST', headers = {} }, parameters = {}) {
  const { communication } = component('webhook', 'taskEvents');
  known(communication, ['respond', 'output'], 'the communication of a webhook');
  const variables = { body, query, method, headers, parameters, data: parameters };
  return { answer: transform(communication.respond, variables), bundle: transform(communication.output, variables) };
}

// --- A request and its pages ---

/** What a communication gives: one bundle, or a list where it iterates. */
export async function bundles(communication, given, log) {
  const { response, pagination } = communication;
  known(pagination, ['qs', 'condition'], 'pagination');
  const limit = transform(response.limit, given) ?? Infinity;
  const results = [];
  let request = communication;
  for (let page = 1; ; page++) {
    const { after } = await exchange(request, { ...given, pagination: { page } }, log);
    if (response.iterate === undefined) return transform(response.output, after);
    const items = transform(response.iterate, after);
    if (!Array.isArray(items)) throw new Error('iterate needs an array');
    results.push(...items.map((item) => transform(response.output, { ...after, item })));
    // `page` is already that of the next request where the directive for it is computed.
    const next = { ...after, pagination: { page: page + 1 } };
    const goesOn = pagination && items.length > 0 && results.length < limit && page < PAGES;
    if (!goesOn || !transform(pagination.condition, next)) break;
    request = following(communication, pagination, next);
  }
  return results.slice(0, limit);
}

/** The request for the next page: computed now, because it names the answer before it. The rest stays as it was. */
function following(communication, pagination, variables) {
  return { ...communication, qs: { ...communication.qs, ...transform(pagination.qs, variables) } };
}

/** Sends one request; answers the variables that its response directives see, or throws what Make would show. */
async function exchange(communication, given, log) {
  known(communication, REQUEST, 'a request');
  known(communication.response, RESPONSE, 'a response');
  const request = prepare(communication, given);
  const answer = await fetch(request.url, { ...request, redirect: 'error' });
  const text = await answer.text();
  const headers = Object.fromEntries(answer.headers);
  const isJson = (headers['content-type'] ?? '').includes('json');
  const body = isJson ? JSON.parse(text) : text;
  log.push(sanitized({ request, response: { statusCode: answer.status, headers, body } }, communication.log?.sanitize));
  const after = { ...given, body, headers, statusCode: answer.status };
  if (answer.status >= 400) throw failure(communication.response?.error, after);
  const { condition, message, type } = transform(communication.response?.valid ?? { condition: true }, after);
  if (!condition) throw new MakeError(type, message, answer.status);
  return { after };
}

function prepare(communication, variables) {
  const { type = 'json', encodeUrl = true } = communication;
  const method = render(communication.method ?? 'GET', variables);
  const headers = lowered(transform(communication.headers ?? {}, variables));
  const body = transform(communication.body, variables);
  const url = address(communication.url, encodeUrl, variables);
  for (const [name, value] of Object.entries(transform(communication.qs ?? {}, variables))) {
    for (const one of [value].flat()) if (one !== null) url.searchParams.append(name, String(one));
  }
  if (body === undefined || method === 'GET') return { url: url.href, method, headers };
  if (!Object.hasOwn(ENCODERS, type)) throw new Error(`unknown type ${type} of a body`);
  const [contentType, encode] = ENCODERS[type];
  return { url: url.href, method, headers: { 'content-type': contentType, ...headers }, body: encode(body) };
}

const ENCODERS = {
  json: ['application/json', JSON.stringify],
  text: ['text/plain', String],
};

/** Names of headers do not tell large from small letters, and the later value wins. */
function lowered(headers) {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** A relative URL hangs below the base; slashes that follow each other become one; all but the query is encoded. */
function address(template, encodeUrl, variables) {
  const own = render(template, variables);
  const whole = /^https?:\/\//.test(own) ? own : `${render(base.baseUrl, variables)}/${own}`;
  const [, before, query] = /^([^?]*)(.*)$/s.exec(whole);
  const url = new URL((encodeUrl ? encodeURI(before) : before) + query);
  url.pathname = url.pathname.replace(/\/{2,}/g, '/');
  return url;
}

function failure(error = {}, after) {
  const byStatus = error[after.statusCode] ?? error;
  return new MakeError(byStatus.type ?? 'RuntimeError', render(byStatus.message, after), after.statusCode);
}

/** What Make's log shows: the named places are hidden. */
function sanitized(entry, places = []) {
  const { request, response } = entry;
  const readable = (body) => {
    try {
      return JSON.parse(body);
    } catch {
      return body;
    }
  };
  const shown = structuredClone({ request: { ...request, body: readable(request.body) }, response });
  for (const place of places) {
    const steps = place.split('.');
    const last = steps.pop();
    const parent = steps.reduce((inner, step) => inner?.[step], shown);
    if (parent && Object.hasOwn(parent, last)) parent[last] = '(hidden)';
  }
  return shown;
}
