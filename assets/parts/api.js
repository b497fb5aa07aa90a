// api: calls to the server's own JSON API, and its errors as sentences. Must not draw anything.

/** An answer that is not a success, or none at all. `message` is a sentence for the reader. */
class ApiError extends Error {
  /**
   * @param {number} status 0 where there is no answer
   * @param {Partial<Api.ErrorBody>} body
   * @param {number|null} [retryAfter]
   */
  constructor(status, body, retryAfter = null) {
    super(body.error);
    this.status = status;
    this.code = body.code ?? '';
    this.field = body.field ?? null;
    this.requestId = body.requestId ?? null;
    /** Seconds after which it may go on, where the server says so. */
    this.retryAfter = retryAfter;
  }
}

const UNREACHABLE = {
  code: 'unreachable',
  error: 'The server does not answer. See whether btk runs and the network is there; the page goes on by itself.',
};

// Milliseconds in which an answer must have begun, unless a call says otherwise; a search among a million takes a while.
const WITHIN = { read: 30_000, write: 15_000 };

const SIGNED_OUT = { code: 'unauthorized', error: 'You are signed out, so this was not done. Sign in and do it again.' };

/** @type {Set<(status: number) => void>} */
const heard = new Set();
/** @type {((isWanted: boolean) => Promise<boolean>)|null} */
let signIn = null;

/**
 * Calls `listener` with the status of each answer; 0 where none came.
 * @param {(status: number) => void} listener
 */
export const onAnswer = (listener) => heard.add(listener);

/**
 * `ask` lets the reader sign in and answers whether they did; it gets whether they wait for it.
 * @param {(isWanted: boolean) => Promise<boolean>} ask
 */
export const onSignedOut = (ask) => (signIn = ask);

/** The query of an address; empty values are left out. */
function queryOf(values) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values ?? {})) {
    if (value !== null && value !== undefined && value !== '') query.append(name, value);
  }
  const text = query.toString();
  return text ? `?${text}` : '';
}

/**
 * How a call is made; `within`: milliseconds in which the answer must have begun.
 * @typedef {{headers?: Record<string, string>, signal?: AbortSignal, keepalive?: boolean, within?: number}} Options
 */

/**
 * What a call answers; the rest is told of lists and of what has a version.
 * @template {string} Call its method and path
 * @typedef {{data: Api.Answer<Call>, total: number|null, next: string|null, etag: string|null}} Answer
 */

/**
 * One call.
 * @template {string} M
 * @template {string} P
 * @param {M} method
 * @param {P} path with its query
 * @param {Options & {body?: any}} [options]
 * @returns {Promise<Answer<`${M} ${P}`>>}
 * @throws {ApiError} a sentence; an aborted call throws its AbortError
 */
export async function call(method, path, options = {}) {
  const response = await ask(method, path, options);
  if (response.status === 401 && path !== '/api/session') {
    // Refused before anything was done: once the reader is signed in again it is simply repeated.
    if (!options.keepalive && (await signIn?.(method !== 'GET'))) return call(method, path, options);
    throw new ApiError(401, SIGNED_OUT);
  }
  const text = await response.text().catch((error) => {
    throw error.name === 'AbortError' ? error : unreachable();
  });
  const data = parsed(text);
  const header = (name) => response.headers.get(name);
  if (!response.ok) {
    const said = data?.error ? data : { error: `The server answered ${response.status}.` };
    throw new ApiError(response.status, said, Number(header('retry-after')) || null);
  }
  const total = header('x-total-count');
  return { data, total: total === null ? null : Number(total), next: header('x-next-cursor'), etag: header('etag') };
}

/**
 * The request, up to the head of its answer.
 * @param {string} method
 * @param {string} path
 * @param {Options & {body?: any}} options
 */
async function ask(method, path, { body, headers, signal, keepalive, within = WITHIN[method === 'GET' ? 'read' : 'write'] }) {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new DOMException('No answer in time', 'TimeoutError')), within);
  /** @type {RequestInit} */
  const init = {
    method,
    keepalive,
    signal: AbortSignal.any(signal ? [late.signal, signal] : [late.signal]),
    headers: { accept: 'application/json', ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
    credentials: 'same-origin',
  };
  try {
    const response = await fetch(path, init);
    hear(response.status);
    return response;
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw unreachable();
  } finally {
    clearTimeout(timer);
  }
}

function unreachable() {
  hear(0);
  return new ApiError(0, UNREACHABLE);
}

function hear(status) {
  for (const listener of heard) listener(status);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * Reads a list or a thing.
 * @template {string} P
 * @param {P} path
 * @param {object|null} [query]
 * @param {Options} [options]
 * @returns {Promise<Answer<`GET ${P}`>>}
 */
export const get = (path, query, options) => call('GET', path + queryOf(query), options);

/**
 * Writes; `path` without a query.
 * @template {string} M
 * @template {string} P
 * @param {M} method
 * @param {P} path
 * @param {object} [body]
 * @param {Options} [options]
 * @returns {Promise<Answer<`${M} ${P}`>>}
 */
export const send = (method, path, body, options) => call(method, path, { ...options, body });

/**
 * Goes through a list page by page.
 * @template {string} P
 * @param {P} path
 * @param {object} query without a cursor
 */
export function pages(path, query) {
  /** @type {string|null} */
  let next = null;
  let isFirst = true;
  return {
    /** Whether there may be more. */
    get hasMore() {
      return isFirst || next !== null;
    },
    /**
     * The next page; `total` only with the first.
     * @param {number} limit
     * @param {Options} [options]
     */
    async more(limit, options) {
      const page = await get(path, { ...query, limit, cursor: next }, options);
      isFirst = false;
      next = page.next;
      return page;
    },
  };
}
