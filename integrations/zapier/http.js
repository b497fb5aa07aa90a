// How the server is asked: its address and the token before a request, problems in words after one.
//
// It must not know tasks, events or webhooks.

/** Every write carries this, and the event that it makes too, so that a Zap can leave out its own changes. */
export const ORIGIN = 'zapier';

/** The address without a slash at its end, or a sentence that says what is wrong with it. */
export function serverAddress(text, z) {
  const refuse = (why) => {
    // It is not repeated here: somebody may have put a password into it.
    throw new z.errors.Error(`The address ${why}. Write it like https://tasks.example.org.`, 'bad_address');
  };
  let url;
  try {
    url = new URL(String(text ?? '').trim());
  } catch {
    return refuse('cannot be read; it needs http:// or https:// and a name');
  }
  if (!['http:', 'https:'].includes(url.protocol)) return refuse('must begin with https:// or http://');
  if (url.username || url.password) return refuse('must not hold a name or password; the token has a field of its own');
  if (url.search || url.hash) return refuse('must not hold a ? or a #');
  return url.origin + url.pathname.replace(/\/+$/, '');
}

/** How long the server may take, in milliseconds, below Zapier's own 30 seconds, and how much it may answer, in bytes. */
const PATIENCE = 20_000;
const MOST = 20 * 1024 * 1024;

/**
 * Asks the server and answers what it said, which must look right: another program may stand at the address.
 * What goes wrong on the way is said here: Zapier's own error would show the whole call, the webhook's secret in it.
 */
export async function ask(z, bundle, { url, params, body, headers = {}, looksRight = () => true, ...options }) {
  const query = params ? `?${new URLSearchParams(params)}` : '';
  const request = { timeout: PATIENCE, size: MOST, ...options, url: url + query, headers };
  if (body !== undefined) {
    // As text, like the query, and without two braces in a row: Zapier takes {{bundle…}} for its own, also in a title.
    request.body = JSON.stringify(body).replaceAll('{{', '{\\u007b');
    request.headers = { ...headers, 'Content-Type': 'application/json' };
  }
  let response;
  try {
    response = await z.request(request);
  } catch (error) {
    // What `explainProblem` said.
    if (['AppError', 'ExpiredAuthError', 'ThrottledError'].includes(error.name)) throw error;
    throw new z.errors.Error(
      `Zapier cannot reach ${bundle.authData.address} (${error.code ?? error.type ?? error.name}). The server must run ` +
        'and be reachable from the internet; if it is, check the address in the connection.',
      'unreachable',
    );
  }
  if (response.status === 404) return undefined;
  if (!looksRight(response.data)) throw stranger(z, response);
  return response.data;
}

/** Something answers, but it is no BTK-System. */
function stranger(z, response) {
  const { host } = new URL(response.url);
  return new z.errors.Error(
    `${host} answered ${response.status}, but not as BTK-System does. Check the address in the connection.`,
    'not_btk',
    response.status,
  );
}

/** Before each request: paths of the API become addresses on the person's server. */
export function toServer(request, z, bundle) {
  request.url = serverAddress(bundle.authData.address, z) + request.url;
  request.headers = {
    ...request.headers,
    Accept: 'application/json',
    Authorization: `Bearer ${bundle.authData.token}`,
    'X-BTK-Origin': ORIGIN,
  };
  // A redirected POST would arrive as a GET, and the API redirects nowhere.
  request.redirect = 'manual';
  return request;
}

/** After each answer: whatever is not a success becomes the kind of error that Zapier acts on. */
export function explainProblem(response, z) {
  const { status } = response;
  if (status < 300) return response;
  if (status === 404 && response.request.skipThrowForStatus) return response;
  if (status < 400) {
    throw new z.errors.Error(
      `The server answers with a redirect to ${response.getHeader('location') ?? 'nowhere'}. ` +
        'Put the address that it leads to into the connection.',
      'redirected',
      status,
    );
  }

  const { error, code } = response.data ?? {};
  const sentence = typeof error === 'string' ? error : stranger(z, response).message;
  if (status === 401) {
    const refused = new z.errors.ExpiredAuthError(
      "The API token was refused. Put the value of API_TOKEN from the server's settings into the connection. " +
        `(The server says: ${sentence})`,
    );
    // As with the other kinds of errors, which have this from the start: no story of the call, no secret in it.
    refused.doNotContextify = true;
    throw refused;
  }
  if (status === 429 || status === 503) {
    const seconds = Number.parseInt(response.getHeader('retry-after'), 10);
    throw new z.errors.ThrottledError(sentence, Number.isNaN(seconds) ? undefined : seconds);
  }
  throw new z.errors.Error(sentence, code ?? 'server_error', status);
}
