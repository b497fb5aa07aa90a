// address: what is set on a page (filters, an open task) stands in its address, so that it can be kept, sent and
// gone back to. Must not know what the values mean.

/**
 * The values of a page in its address.
 * @param {Record<string, string>} defaults every name with its value where the address says nothing
 * @param {(values: Record<string, string>, isBack: boolean) => void} onChange called after `set` and after back and
 *   forward (`isBack`)
 * @param {Record<string, string[]|((value: string) => boolean)>} [closed] the values that a name may have beside
 *   its default, or what tells them; any other counts as not set, so that a mistyped address shows the page and no error
 */
export function address(defaults, onChange, closed = {}) {
  const read = () => {
    const query = new URLSearchParams(location.search);
    const isOf = (allowed, value) => (typeof allowed === 'function' ? allowed(value) : allowed.includes(value));
    const isAllowed = (name, value) => value !== null && (!closed[name] || isOf(closed[name], value));
    return Object.fromEntries(
      Object.entries(defaults).map(([name, value]) => [name, isAllowed(name, query.get(name)) ? query.get(name) : value]),
    );
  };
  const state = {
    values: read(),
    /**
     * Changes some.
     * @param {Record<string, string>} changes
     * @param {{push?: boolean, typing?: string}} [options] `push` makes a step for the back button; `typing`: a field in
     *   which somebody types, of which all that is typed in one go is one step
     */
    set(changes, { push = false, typing = null } = {}) {
      const values = { ...state.values, ...changes };
      const query = new URLSearchParams();
      for (const [name, value] of Object.entries(values)) {
        if (value && value !== defaults[name]) query.set(name, value);
      }
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
    /** Back to the defaults. */
    clear() {
      state.set(defaults, { push: true });
    },
    /** Whether any of these differs from its default. */
    isSet: (...names) => names.some((name) => state.values[name] !== defaults[name]),
  };
  addEventListener('popstate', () => {
    state.values = read();
    onChange(state.values, true);
  });
  return state;
}
