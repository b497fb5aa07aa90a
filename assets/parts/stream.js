// stream: the server's stream of changes, kept open as long as it is wanted; tells when it is there, when it is lost and
// when something changed. Runs in a page or in the worker that all windows share. Must not know who listens.

const SILENT = 10_000; // milliseconds; the server says something every 4 s: nothing for so long is a lost connection
const AGAIN = 5_000; // until one that was lost or refused is tried again
const FULL = 30_000; // the same, where the server has too many of them

/**
 * A stream, closed at first.
 * @param {{onOpen: () => void, onLost: () => void, onRefused: () => void, onChange: () => void}} told `onRefused`: the
 *   server is there and gives none; `onChange` also after each opening: what was missed meanwhile is to be fetched
 */
export function changeStream({ onOpen, onLost, onRefused, onChange }) {
  let source = null;
  let silence = null; // the timer of a silence
  let retry = null;

  function open() {
    if (source) return;
    clearTimeout(retry);
    retry = null;
    source = new EventSource('/api/changes');
    listen();
    source.onopen = () => {
      listen();
      onOpen();
    };
    // The first message comes at once.
    source.onmessage = () => {
      listen();
      onChange();
    };
    source.addEventListener('alive', listen);
    // Opened anew by us alone: the browser gives up on one that was refused, and never asks of one that hangs.
    source.onerror = () => (source.readyState === EventSource.CLOSED ? ended(FULL, onRefused) : lost(AGAIN));
  }

  function close() {
    clearTimeout(retry);
    source?.close();
    source = retry = null;
    clearTimeout(silence);
  }

  const lost = (wait) => ended(wait, onLost);

  function ended(wait, tell) {
    close();
    tell();
    retry = setTimeout(open, wait);
  }

  /** Something was heard; if nothing is for long, the connection is lost without a word. */
  function listen() {
    clearTimeout(silence);
    silence = setTimeout(() => lost(0), SILENT);
  }

  return {
    open,
    close,
    /** Somebody could not reach the server: whether the stream still lives is to be seen from a new one. */
    doubt() {
      if (source?.readyState === EventSource.OPEN) lost(0);
    },
    /** Somebody has reached it: no need to wait. */
    hurry() {
      if (retry !== null && !source) open();
    },
  };
}
