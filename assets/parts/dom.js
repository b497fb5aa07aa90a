// dom: elements from data. Text goes in as text, always: there is no way to hand in markup.
// Must not know any page.

const SVG = 'http://www.w3.org/2000/svg';
// Set as properties: as attributes they would only be the value at the start.
const PROPERTIES = new Set(['value', 'checked', 'disabled', 'selected', 'indeterminate', 'open', 'hidden', 'readOnly']);

// Fields for any text, and what is chosen from, which run as what is written in them does.
const TEXTS = new Set(['text', 'search', undefined]);
const isOfText = (tag, props) => ['textarea', 'option'].includes(tag) || (tag === 'input' && TEXTS.has(props?.type));

/**
 * What an element has beside its content: attributes; `class` text or a list (empty ones are dropped), `on` listeners,
 * `data` and `style` maps; null, undefined and false are left out, true is an attribute without a value.
 * @typedef {Record<string, any> & {class?: any, on?: Record<string, (event: any) => any>, data?: Record<string, any>,
 *   style?: Record<string, string>}} Props
 */

/**
 * An element. Fields for any text turn with what is written in them (`dir=auto`).
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Props|null} [props]
 * @param {...any} children elements, text, numbers, lists of these; null and false are left out
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, props, ...children) {
  return fill(document.createElement(tag), isOfText(tag, props) ? { dir: 'auto', ...props } : props, children);
}

/**
 * The same for SVG.
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} tag
 * @param {Props} props
 * @param {...any} children
 * @returns {SVGElementTagNameMap[T]}
 */
export function svg(tag, props, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

/**
 * @template {HTMLElement|SVGElement} E
 * @param {E} element
 * @param {Props|null|undefined} props
 * @param {any[]} children
 */
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

/** @param {any[]} children */
const flat = (children) => children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);

/**
 * Replaces what is in an element.
 * @template {Element} E
 * @param {E} element
 * @param {...any} children
 */
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

/**
 * The first element of a selector.
 * @param {string} selector
 * @returns {any}
 */
export const find = (selector) => document.querySelector(selector);

/**
 * The element that has the focus.
 * @returns {any}
 */
export const focused = () => document.activeElement;

/**
 * The element of a selector that something is in: the target of an event, what has the focus.
 * @param {any} target
 * @param {string} selector
 * @returns {HTMLElement|null}
 */
export const around = (target, selector) => target?.closest?.(selector) ?? null;

/**
 * Runs `run` when nothing has called for `ms`.
 * @template {any[]} A
 * @param {number} ms
 * @param {(...args: A) => void} run
 * @returns {(...args: A) => void}
 */
export function debounce(ms, run) {
  let timer = 0;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => run(...args), ms);
  };
}

/** Keeps the field that has the focus, and the place in it, over a change of what is around it. */
export function keepFocus(change) {
  const key = around(focused(), '[data-key]')?.dataset.key;
  change();
  if (key && !around(focused(), '[data-key]')) {
    find(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
  }
}
