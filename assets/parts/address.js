// address: what is set on a page (filters, an open task) stands in its address, so that it can be kept, sent and
// gone back to. Must not know what the values mean.

/** @typedef {ReturnType<typeof address>} Address */

/**
 * The values of a page in its address.
 * @template {Record<string, string>} T
 * @param {T} defaults every name with its value where the address says nothing
 * @param {(values: T, isBack: boolean) => void} onChange called after `set` and after back and
 *   forward (`isBack`)
 * @param {Record<string, string[]|((value: string) => boolean)>} [closed] the values that a name may have beside
 *   its default, or what tells them; any other is `unknown`, so that a mistyped address shows the page and no error
 * @param {{several?: string[], also?: Record<string, string>}} [more] names that may have several values, with commas
 *   between them; other words for a name, as the API has them
 */
export function address(defaults, onChange, closed = {}, { several = [], also = {} } = {}) {
  const nameOf = (given) => (Object.hasOwn(also, given) ? also[given] : given);
  const isOf = (allowed, value) => (typeof allowed === 'function' ? allowed(value) : allowed.includes(value));
  const isAllowed = (name, value) => value === defaults[name] || !closed[name] || isOf(closed[name], value);

  function read() {
    /** @type {Record<string, string[]>} */
    const found = {};
    /** @type {[string, string][]} */
    const unknown = [];
    for (const [given, text] of new URLSearchParams(location.search)) {
      const name = nameOf(given);
      const isKnown = Object.hasOwn(defaults, name);
      // What may be any text keeps its commas as they are.
      const words = several.includes(name) && closed[name] ? text.split(',').map((word) => word.trim()) : [text];
      for (const word of words.filter(Boolean)) {
        const before = found[name] ?? [];
        const fits = isKnown && isAllowed(name, word) && (several.includes(name) || !before.length);
        if (!fits) unknown.push([given, word]);
        else if (!before.includes(word)) found[name] = [...before, word];
      }
    }
    state.unknown = unknown;
    const given = Object.entries(found).map(([name, words]) => [name, words.join(',')]);
    state.values = { ...defaults, ...Object.fromEntries(given) };
  }

  const state = {
    /** @type {T} */
    values: { ...defaults },
    /**
     * What of the address is not known here: names with values. It stays there until it is left out.
     * @type {[string, string][]}
     */
    unknown: [],
    /**
     * Changes some.
     * @param {Partial<T>} changes
     * @param {{push?: boolean, typing?: string|null}} [options] `push` makes a step for the back button; `typing`: a field in
     *   which somebody types, of which all that is typed in one go is one step
     */
    set(changes, { push = false, typing = null } = {}) {
      const values = { ...state.values, ...changes };
      const query = new URLSearchParams();
      for (const [name, value] of Object.entries(values)) {
        if (value && value !== defaults[name]) query.set(name, value);
      }
      state.unknown = state.unknown.filter(([name]) => !Object.hasOwn(changes, nameOf(name)));
      for (const [name, value] of state.unknown) query.append(name, value);
      const text = query.toString();
      const url = location.pathname + (text ? `?${text}` : '');
      const isOther = url !== location.pathname + location.search;
      const isNewStep = typing ? history.state?.typing !== typing : push;
      if (isOther && isNewStep) history.pushState({ typing, from: location.pathname + location.search }, '', url);
      // What was opened by a step is closed by going back: no step that changes nothing is left behind.
      else if (isOther && !typing && history.state?.from === url) history.back();
      else history.replaceState({ ...history.state, typing }, '', url);
      state.values = values;
      onChange(values, false);
    },
    /**
     * A value has turned out to be unknown, once there was something to compare it with.
     * @param {keyof T & string} name
     */
    reject(name) {
      state.unknown = [...state.unknown, [name, state.values[name]]];
      state.values = { ...state.values, [name]: defaults[name] };
    },
    /** Leaves out what is not known. */
    forget() {
      state.unknown = [];
      state.set({}, { push: true });
    },
    /** Whether any of these differs from its default. */
    isSet: (...names) => names.some((name) => state.values[name] !== defaults[name]),
  };
  read();
  addEventListener('popstate', () => {
    read();
    onChange(state.values, true);
  });
  return state;
}
