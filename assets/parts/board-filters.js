// board-filters: the search and the filters of the board, kept in the address. Must not fetch anything.

import { debounce, find, h } from './dom.js';
import { folding, select } from './form.js';
import { icon } from './icons.js';
import { DUES, SORTS } from './task-rules.js';
import { CATEGORIES, labelOf, PRIORITIES, TYPES } from './words.js';

// By state the columns are chosen: from the address alone, so it has no field.
const FILTERS = ['status', 'priority', 'type', 'category', 'tag', 'due'];
const TAGS_MOST = 200; // more than anybody looks through
const PAUSE = 150; // milliseconds without a key before a search begins

/**
 * The bar of filters for an address.
 * @param {import('./address.js').Address} here
 */
export function boardFilters(here) {
  const labels = { type: new Set(TYPES), category: new Set(CATEGORIES), tag: new Set() };
  const search = h('input', {
    type: 'search',
    placeholder: 'Search',
    'aria-label': 'Search in titles and descriptions',
    value: here.values.q,
    on: {
      input: debounce(PAUSE, () => here.set({ q: search.value }, { typing: 'q' })),
      // Down into what was found.
      keydown(event) {
        if (event.key === 'Escape' && !search.value) search.blur();
        if (event.key !== 'ArrowDown' || event.isComposing) return;
        event.preventDefault();
        find('[data-test="card"]')?.focus();
      },
    },
  });
  const found = h('span', { class: 'off-screen', role: 'status' });
  const clearButton = h(
    'button',
    { type: 'button', class: 'plain clear', 'aria-label': 'Clear the filters', on: { click: clear } },
    icon('close'),
    h('span', {}, 'Clear'),
  );
  const fields = {
    priority: choice('priority', 'Any priority', [...PRIORITIES].reverse()),
    type: choice('type', 'Any type', options(labels.type)),
    category: choice('category', 'Any category', options(labels.category)),
    tag: choice('tag', 'Any tag', []),
    due: choice('due', 'Any due date', DUES),
    sort: choice(
      'sort',
      null,
      SORTS.map(({ value, label }) => ({ value, label: `Sort: ${label}` })),
    ),
  };
  fields.sort.setAttribute('aria-label', 'Order');
  const fold = folding();
  const element = h(
    'div',
    { class: 'filters board-filters' },
    h('div', { class: 'search' }, icon('search'), search),
    fold.toggle,
    h('div', { class: 'filters more-filters' }, Object.values(fields)),
    clearButton,
    found,
  );
  const only = h('div', { class: 'note row', role: 'status', hidden: true, data: { test: 'only' } });
  update();

  function options(set) {
    return [...set].sort().map((value) => ({ value, label: value }));
  }

  function choice(name, none, entries) {
    const all = none ? [{ value: '', label: none }, ...entries] : entries;
    return select(all, here.values[name], {
      'aria-label': none?.replace('Any ', '') ?? name,
      data: { filter: name },
      on: { change: (event) => here.set({ [name]: event.target.value }, { push: true }) },
    });
  }

  /** Sees to it that a value can be chosen, even one that nobody has seen yet, or several with commas between. */
  function offer(name, value) {
    const list = [...fields[name].options];
    if (!value || list.some((option) => option.value === value)) return;
    const next = list.slice(1).find((option) => option.value > value);
    const words = value.split(',').map((one) => labelOf(PRIORITIES, one));
    fields[name].insertBefore(h('option', { value }, words.join(', ')), next ?? null);
  }

  function areSet() {
    return here.isSet('q', ...FILTERS);
  }

  function clear() {
    search.value = '';
    here.unknown = [];
    here.set(Object.fromEntries(['q', ...FILTERS].map((name) => [name, ''])), { push: true });
  }

  function update(isBack = false) {
    if (isBack || document.activeElement !== search) search.value = here.values.q;
    for (const [name, field] of Object.entries(fields)) {
      offer(name, here.values[name]);
      field.value = here.values[name];
      field.classList.toggle('is-set', name !== 'sort' && Boolean(here.values[name]));
    }
    if (here.values.status || !only.hidden) import('./address-note.js').then(({ drawOnly }) => drawOnly(only, here));
    clearButton.classList.toggle('is-idle', !areSet());
    fold.count(FILTERS.filter((name) => here.values[name]).length);
  }

  return {
    element,
    /** The line that says to which columns it is narrowed. */
    only,
    labels,
    areSet,
    clear,
    /** After a change of the address; `isBack`: even what is being typed is as it was. */
    update,
    say(text) {
      if (found.textContent !== text) found.textContent = text;
    },
    /**
     * Labels that are in use can be chosen.
     * @param {{type: string|null, category: string|null, tags: string[]}[]} cards
     */
    learn(cards) {
      const add = (name, value) => {
        if (!value || labels[name].has(value) || (name === 'tag' && labels.tag.size >= TAGS_MOST)) return;
        labels[name].add(value);
        offer(name, value);
      };
      for (const { type, category, tags } of cards) {
        add('type', type);
        add('category', category);
        for (const tag of tags) add('tag', tag);
      }
    },
    focus(name) {
      if (name !== 'q') fold.unfold(true);
      (name === 'q' ? search : fields[name]).focus();
    },
  };
}
