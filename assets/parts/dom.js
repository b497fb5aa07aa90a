// dom: elements from data. Text goes in as text, always: there is no way to hand in markup.
// Must not know any page.

const SVG = 'http://www.w3.org/2000/svg';
// Set as properties: as attributes they would only be the value at the start.
const PROPERTIES = new Set(['value', 'checked', 'disabled', 'selected', 'indeterminate', 'open', 'hidden', 'readOnly']);

// Fields for any text, and what is chosen from, which run as what is written in them does.
const TEXTS = new Set(['text', 'search', undefined]);
const isOfText = (tag, props) => ['textarea', 'option'].includes(tag) || (tag === 'input' && TEXTS.has(props?.type));

/**
 * An element. Fields for any text turn with what is written in them (`dir=auto`).
 * @param {string} tag
 * @param {object} [props] attributes; `class` text or a list (empty ones are dropped), `on` listeners, `data` and
 *   `style` maps; null, undefined and false are left out, true is an attribute without a value
 * @param {...any} children elements, text, numbers, lists of these; null and false are left out
 */
export function h(tag, props, ...children) {
  return fill(document.createElement(tag), isOfText(tag, props) ? { dir: 'auto', ...props } : props, children);
}

/** The same for SVG. */
export function svg(tag, props, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'class') element.setAttribute('class', [value].flat().filter(Boolean).join(' '));
    else if (name === 'on') for (const [type, run] of Object.entries(value)) element.addEventListener(type, run);
    else if (name === 'data') Object.assign(element.dataset, value);
    // By property: a style attribute would be inline style, which the page's policy forbids.
    else if (name === 'style') for (const [key, text] of Object.entries(value)) element.style.setProperty(key, text);
    else if (PROPERTIES.has(name)) element[name] = value;
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...flat(children));
  return element;
}

const flat = (children) => children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);

/** Replaces what is in an element. */
export function put(element, ...children) {
  element.replaceChildren(...flat(children));
  return element;
}

const SLOW = 300; // milliseconds before a place says that it waits

/**
 * Says in a place that it waits, if the answer takes long. Whatever was put there meanwhile stays: it is newer.
 * @template T
 * @param {HTMLElement} place
 * @param {string} words
 * @param {Promise<T>} answer
 * @returns {Promise<T>}
 */
export async function saying(place, words, answer) {
  const before = [...place.childNodes];
  const isAsItWas = () => place.childNodes.length === before.length && before.every((node) => node.parentNode === place);
  const timer = setTimeout(() => isAsItWas() && put(place, h('p', { class: 'soft' }, words)), SLOW);
  try {
    return await answer;
  } finally {
    clearTimeout(timer);
  }
}

/** A name and what it is, for a list of facts (`dl`). */
export const fact = (name, ...content) => [h('dt', {}, name), h('dd', {}, content)];

/** Words that are opened when they are wanted. */
export const more = (title, props, ...content) =>
  h('details', { class: 'more', ...props }, h('summary', {}, title), h('div', { class: 'stack' }, content));

/** The one element of a selector, which the page is known to have. */
export const find = (selector, within = document) => within.querySelector(selector);

/** Runs `run` when nothing has called for `ms`. */
export function debounce(ms, run) {
  let timer;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => run(...args), ms);
  };
}

/** Keeps the field that has the focus, and the place in it, over a change of what is around it. */
export function keepFocus(change) {
  const key = document.activeElement?.closest?.('[data-key]')?.dataset.key;
  change();
  if (key && !document.activeElement?.closest?.('[data-key]')) {
    document.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
  }
}
