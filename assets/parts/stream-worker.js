// stream-worker: one stream of changes for all windows of a browser, which opens at most six connections to a server.
// Open while a window is seen. Must not know what a window shows.

import { changeStream } from './stream.js';

/** @type {Set<MessagePort>} of windows that are seen */
const seen = new Set();
let isOpen = false;
const tell = (what) => {
  for (const port of seen) port.postMessage(what);
};
// What becomes of the stream is for whoever is seen.
const stream = changeStream({
  onOpen() {
    isOpen = true;
    tell('open');
  },
  onLost() {
    isOpen = false;
    tell('lost');
  },
  onRefused() {
    isOpen = false;
    tell('refused');
  },
  onChange: () => tell('change'),
});

const does = {
  seen(port) {
    seen.add(port);
    stream.open();
    // What it missed while it was hidden is to be fetched.
    if (isOpen) for (const what of ['open', 'change']) port.postMessage(what);
  },
  hidden(port) {
    seen.delete(port);
    if (seen.size > 0) return;
    isOpen = false;
    stream.close();
  },
  doubt: stream.doubt,
  hurry(port) {
    if (isOpen) port.postMessage('open');
    else stream.hurry();
  },
};

/** @param {any} event a MessageEvent: no types of a shared worker stand beside those of a page */
const onConnect = ({ ports: [port] }) => {
  port.onmessage = ({ data }) => does[data]?.(port);
};
self.addEventListener('connect', onConnect);
