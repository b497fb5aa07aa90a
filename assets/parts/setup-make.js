// setup-make: what is Make: by its host, by what a webhook was made as, or because the reader says so; nothing else is
// called done. Must not draw anything.

const HOSTS = /(^|\.)(make\.com|make\.celonis\.com|integromat\.com)$/i;
const AGENTS = /^(make|integromat)\b/i;

/**
 * The host of an address; empty where it is none.
 * @param {string} text
 */
export function hostOf(text) {
  try {
    return new URL(text.trim()).hostname;
  } catch {
    return '';
  }
}

/** Whether a host is one of Make's. */
export const isMakeHost = (host) => HOSTS.test(host);

/** What the reader has said on this browser. */
const said = {
  name: (what) => `btk-setup-is-make-${what}`,
  is(what, of) {
    try {
      return localStorage.getItem(said.name(what)) === of;
    } catch {
      return false;
    }
  },
  keep(what, of) {
    try {
      localStorage.setItem(said.name(what), of);
    } catch {
      // A browser that keeps nothing: it is asked again.
    }
  },
};

/**
 * Whether a webhook leads to Make. Said of an address: another one under the same name is asked for anew.
 * @param {Api.Webhook} webhook
 */
export const isMake = ({ id, url, source, profile }) =>
  source === 'make' || profile === 'make' || isMakeHost(hostOf(url)) || said.is(id, url);

/**
 * The reader says that it does.
 * @param {Api.Webhook} webhook
 */
export const sayIsMake = ({ id, url }) => said.keep(id, url);

/**
 * Whether what came in was sent by Make.
 * @param {Api.LastReceived} received
 */
export const cameFromMake = ({ agent }) => AGENTS.test(agent ?? '') || said.is('incoming', agent ?? '');

/**
 * The reader says that it was.
 * @param {Api.LastReceived} received
 */
export const sayCameFromMake = ({ agent }) => said.keep('incoming', agent ?? '');
