// live: says when something may have changed, by one stream of the server, or by asking every few seconds
// where there is none. Closed while the page is hidden. Must not know what changed.

const LEAST_GAP = 250; // milliseconds between two refreshes of a page
const POLL = 5_000;
const AGAIN = 30_000; // until a stream that was refused is tried again
const SILENT = 40_000; // the server says something every 15 s: nothing for so long is a lost connection

/** What is seen of the stream: `live`, `polling` or `offline`. */
let state = 'offline';
const watchers = new Set();
const listeners = new Set();
let stream = null;
let poll = null;
let retry = null;
let heard = null; // the timer of a silence

function become(next) {
  if (state === next) return;
  state = next;
  for (const listener of listeners) listener(state);
}

/** Calls `listener` with the state now and whenever it changes. */
export function onState(listener) {
  listeners.add(listener);
  listener(state);
}

/** The server was reached or not, as a refresh has found. */
function reached(is) {
  if (!is) become('offline');
  else if (state === 'offline') become(stream?.readyState === EventSource.OPEN ? 'live' : 'polling');
}

/**
 * Calls `refresh` soon after anything changed: never twice at a time, never more than four times a second, and
 * once more if something changed while it ran. A refresh that throws is tried again at the next change.
 * @param {() => Promise<void>} refresh
 */
export function watch(refresh) {
  let running = false;
  let again = false;
  const run = async () => {
    if (running) {
      again = true;
      return;
    }
    running = true;
    do {
      again = false;
      try {
        await refresh();
        reached(true);
      } catch (error) {
        if (error.status === 0) reached(false);
        else if (error.status !== 401 && error.name !== 'AbortError') console.error(error);
      }
      await new Promise((done) => setTimeout(done, LEAST_GAP));
    } while (again && !document.hidden);
    running = false;
  };
  watchers.add(run);
  begin();
  return run;
}

function changed() {
  for (const run of watchers) run();
}

function begin() {
  if (stream || document.hidden) return;
  clearTimeout(retry);
  stream = new EventSource('/api/changes');
  listen();
  stream.onopen = () => {
    clearInterval(poll);
    poll = null;
    listen();
    become('live');
  };
  // The first message comes at once: after a break, whatever was missed is fetched.
  stream.onmessage = () => {
    listen();
    changed();
  };
  stream.addEventListener('alive', listen);
  stream.onerror = () => {
    become('offline');
    // Until there is one again, ask instead. A broken stream is opened anew by the browser, a refused one (too many, or
    // a proxy without its server) by us.
    poll ??= setInterval(changed, POLL);
    if (stream?.readyState === EventSource.CLOSED) {
      stream = null;
      retry = setTimeout(begin, AGAIN);
    }
    changed();
  };
}

/** Something was heard; if nothing is for long, the connection is lost without a word. */
function listen() {
  clearTimeout(heard);
  heard = setTimeout(() => {
    end();
    begin();
  }, SILENT);
}

function end() {
  stream?.close();
  clearInterval(poll);
  clearTimeout(retry);
  clearTimeout(heard);
  stream = poll = null;
}

document.addEventListener('visibilitychange', () => (document.hidden ? end() : begin()));
// A page that is kept for the back button must not hold its stream.
addEventListener('pagehide', end);
addEventListener('pageshow', (event) => event.persisted && watchers.size > 0 && begin());
