// live: says when something may have changed, by the stream of the server, which all windows share, or by asking every
// few seconds where there is none. Not while the page is hidden. Must not know what changed.

import { onAnswer } from './api.js';
import { changeStream } from './stream.js';

const LEAST_GAP = 250; // milliseconds between two refreshes of a page
const POLL = 5_000;

/** What is seen of the server: `live`, `polling`, `offline`, or `out`: it wants the reader to sign in. */
let state = 'offline';
const watchers = new Set();
const listeners = new Set();
let isSeen = false; // a watcher is there and the page is seen
let hasStream = false;
let isReached = true; // by the last call of this page
let isOut = false; // signed out
let poll = null;

/** Calls `listener` with the state now and whenever it changes. */
export function onState(listener) {
  listeners.add(listener);
  listener(state);
}

/** Without a stream, or where it is there and calls fail all the same, the page asks. */
function show() {
  const next = isOut ? 'out' : !isReached ? 'offline' : hasStream ? 'live' : 'polling';
  if (next === 'live' || !isSeen) {
    clearInterval(poll);
    poll = null;
  } else poll ??= setInterval(changed, POLL);
  if (state === next) return;
  state = next;
  for (const listener of listeners) listener(state);
}

const told = {
  open() {
    hasStream = true;
    show();
  },
  lost() {
    hasStream = isReached = false;
    show();
    changed();
  },
  // The server has answered, and has no stream for this page: it is asked every few seconds instead.
  refused() {
    hasStream = false;
    show();
    changed();
  },
  change: changed,
};

const stream = shared() ?? ofThisPage();

function ofThisPage() {
  return changeStream({ onOpen: told.open, onLost: told.lost, onRefused: told.refused, onChange: told.change });
}

/** The stream that all windows share; null where the browser has no such thing. */
function shared() {
  let worker;
  try {
    worker = new SharedWorker(new URL('./stream-worker.js', import.meta.url), { type: 'module' });
  } catch {
    // Some browsers do not know it, or do not let a page that may keep nothing have one.
    return null;
  }
  let own = null; // where the worker does not start
  worker.port.onmessage = ({ data }) => isSeen && told[data]?.();
  worker.onerror = () => {
    own ??= ofThisPage();
    if (isSeen) own.open();
  };
  const say = (what, name) => () => (own ? own[name ?? what]() : worker.port.postMessage(what));
  return { open: say('seen', 'open'), close: say('hidden', 'close'), doubt: say('doubt'), hurry: say('hurry') };
}

// Each answer to the page tells whether the server is there, sooner than a stream that has gone silent.
onAnswer((status) => {
  const was = isReached && !isOut;
  isReached = status !== 0;
  isOut = status === 401;
  if (isSeen && was && !isReached) stream.doubt();
  else if (isSeen && !was && isReached && !isOut) {
    stream.hurry();
    changed();
  }
  show();
});

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
      } catch (error) {
        if (![0, 401].includes(error.status) && error.name !== 'AbortError') console.error(error);
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
  if (isSeen || document.hidden || watchers.size === 0) return;
  isSeen = true;
  stream.open();
  show();
}

function end() {
  if (!isSeen) return;
  isSeen = hasStream = false;
  stream.close();
  show();
}

document.addEventListener('visibilitychange', () => (document.hidden ? end() : begin()));
// A page that is kept for the back button must not hold its stream.
addEventListener('pagehide', end);
addEventListener('pageshow', (event) => event.persisted && begin());
// The system knows first that there is no network.
addEventListener('offline', () => {
  isReached = false;
  show();
});
addEventListener('online', changed);
