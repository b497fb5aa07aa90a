// api: calls to the server's own JSON API, and its errors as sentences. Must not draw anything.

/** An answer that is not a success, or none at all. `message` is a sentence for the reader. */
class ApiError extends Error {
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

const SIGNED_OUT = { code: 'unauthorized', error: 'You are signed out. Sign in in another tab (/sign-in), then save again.' };

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
 * One call.
 * @param {string} method
 * @param {string} path with its query
 * @param {{body?: any, headers?: object, signal?: AbortSignal, keepalive?: boolean}} [options]
 * @returns {Promise<{data: any, total: number|null, next: string|null, etag: string|null}>}
 * @throws {ApiError} a sentence; an aborted call throws its AbortError
 */
export async function call(method, path, { body, headers, signal, keepalive } = {}) {
  const init = { method, signal, keepalive, headers: { accept: 'application/json', ...headers }, credentials: 'same-origin' };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers['content-type'] = 'application/json';
  }
  let response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ApiError(0, UNREACHABLE);
  }
  if (response.status === 401 && path !== '/api/session') {
    // What is being typed must not be lost on the way.
    if (document.querySelector('dialog[open] form')) throw new ApiError(401, SIGNED_OUT);
    toSignIn();
    // The page is on its way out: nothing after this call should run.
    return new Promise(() => {});
  }
  const text = await response.text().catch(() => {
    throw new ApiError(0, UNREACHABLE);
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

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function toSignIn() {
  const here = location.pathname + location.search;
  location.assign(`/sign-in${queryOf({ next: here })}`);
}

/** Reads a list or a thing. */
export const get = (path, query, options) => call('GET', path + queryOf(query), options);

/** Writes; `path` without a query. */
export const send = (method, path, body, options) => call(method, path, { ...options, body });

/**
 * Goes through a list page by page.
 * @param {string} path
 * @param {object} query without a cursor
 */
export function pages(path, query) {
  let next = null;
  let isFirst = true;
  return {
    /** Whether there may be more. */
    get hasMore() {
      return isFirst || next !== null;
    },
    /** The next page; `total` only with the first. */
    async more(limit, options) {
      const page = await get(path, { ...query, limit, cursor: next }, options);
      isFirst = false;
      next = page.next;
      return page;
    },
  };
}
