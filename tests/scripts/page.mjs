// page: what the scripts expect of a browser when they are loaded, for tests of what in them needs none. Imported before
// them. Must not pretend to be a page: what draws is tested in a real browser (tests/pages).

// West of Greenwich, where a day in UTC begins the evening before.
process.env.TZ = 'America/New_York';

// The clock of what is shown (time.js) would keep the tests from ending.
globalThis.setInterval = () => 0;

/** What has the focus; nothing, at first. */
export const body = { closest: () => null, matches: () => false };
globalThis.document = { hidden: false, body, activeElement: body, addEventListener() {} };
globalThis.addEventListener = () => {};

/** Gives the focus to the card of a task. */
export function focusCard(id) {
  const card = { dataset: { id }, closest: () => card, matches: () => true };
  document.activeElement = card;
}

/** An address bar with its steps back. */
export function addressBar(search = '') {
  const steps = [{ search, state: null }];
  const go = (url, state) => ({ search: url.includes('?') ? url.slice(url.indexOf('?')) : '', state });
  globalThis.location = {
    pathname: '/',
    get search() {
      return steps.at(-1).search;
    },
  };
  globalThis.history = {
    get state() {
      return steps.at(-1).state;
    },
    pushState: (state, _, url) => steps.push(go(url, state)),
    replaceState: (state, _, url) => steps.splice(-1, 1, go(url, state)),
    back: () => steps.pop(),
  };
  return { steps: () => steps.map((step) => step.search) };
}
