// form: fields with their labels, hints and errors. Must not know what is asked for.

import { h } from './dom.js';
import { icon } from './icons.js';

let last = 0;

/**
 * A labelled field.
 * @param {string} label
 * @param {HTMLInputElement|HTMLSelectElement|HTMLTextAreaElement} input it gets an id and the texts around it as its description
 * @param {{hint?: string, name?: string, box?: HTMLElement}} [options] `name`: the API's name of the field, where an
 *   error of it is shown; `box`: what the input stands in, with more
 */
export function field(label, input, { hint, name, box = input } = {}) {
  last += 1;
  const id = input.id || `field-${last}`;
  input.id = id;
  input.setAttribute('aria-describedby', `${id}-more`);
  return h(
    'div',
    { class: 'field', data: name ? { field: name } : {} },
    h('label', { for: id }, label),
    box,
    h('p', { class: 'hint', id: `${id}-more` }, hint ?? ''),
  );
}

/**
 * A choice of options.
 * @param {{value: string, label: string}[]} options
 * @param {string} value
 * @param {import('./dom.js').Props} [props]
 */
export function select(options, value, props = {}) {
  return h(
    'select',
    props,
    options.map((entry) => h('option', { value: entry.value, selected: entry.value === value }, entry.label)),
  );
}

/**
 * A text field that suggests values and takes any: what it stands in, and itself.
 * @param {Iterable<string>} values
 * @param {string} value
 * @param {import('./dom.js').Props} [props]
 * @returns {[HTMLDivElement, HTMLInputElement]}
 */
export function suggest(values, value, props = {}) {
  last += 1;
  const list = h('datalist', { id: `list-${last}` }, [...values].map((text) => h('option', { value: text })));
  const input = h('input', { type: 'text', value: value ?? '', list: list.id, autocomplete: 'off', ...props });
  return [h('div', { class: 'suggest' }, input, list), input];
}

/**
 * A box to tick.
 * @param {any} label
 * @param {boolean} checked
 * @param {import('./dom.js').Props} [props]
 */
export function tick(label, checked, props = {}) {
  return h('label', { class: 'tick' }, h('input', { type: 'checkbox', checked, ...props }), h('span', {}, label));
}

/**
 * The button that unfolds the fields beside it on a phone; the style sheet does so by `is-unfolded` of what it is in.
 * @returns {{toggle: HTMLButtonElement, unfold: (is?: boolean) => void, count: (n: number) => void}} `count`: how many
 *   of the fields are set
 */
export function folding() {
  const words = h('span', {}, 'Filters');
  const isUnfolded = () => toggle.getAttribute('aria-expanded') === 'true';
  const toggle = h(
    'button',
    { type: 'button', class: 'filters-toggle', 'aria-expanded': 'false', on: { click: () => unfold() } },
    icon('filter'),
    words,
  );

  function unfold(is = !isUnfolded()) {
    toggle.setAttribute('aria-expanded', String(is));
    toggle.parentElement?.classList.toggle('is-unfolded', is);
  }

  return {
    toggle,
    unfold,
    count(n) {
      words.textContent = n > 0 ? `Filters (${n})` : 'Filters';
      toggle.classList.toggle('is-set', n > 0);
    },
  };
}

/**
 * Shows an error of the server at the field that it names, else in the line for all (`.form-error`), and moves the
 * focus there.
 * @param {HTMLElement} form
 * @param {{field: string|null, message: string}} error
 */
export function showError(form, error) {
  clearErrors(form);
  const top = (error.field ?? '').split(/[.[]/)[0];
  const place = [...fieldsOf(form)].find((element) => element.dataset.field === top);
  const text = error.message;
  if (place) {
    place.classList.add('wrong');
    place.querySelector('.hint')?.before(h('p', { class: 'error', role: 'alert' }, text));
    /** @type {HTMLElement|null} */
    const input = place.querySelector('input, select, textarea');
    input?.setAttribute('aria-invalid', 'true');
    input?.focus();
  } else {
    const line = form.querySelector('.form-error');
    if (line) line.textContent = text;
  }
}

/**
 * The places of a form's fields, by the name of each.
 * @param {HTMLElement} form
 * @returns {NodeListOf<HTMLElement>}
 */
const fieldsOf = (form) => form.querySelectorAll('[data-field]');

/**
 * Takes all errors away.
 * @param {HTMLElement} form
 */
export function clearErrors(form) {
  for (const place of form.querySelectorAll('.wrong')) place.classList.remove('wrong');
  for (const line of form.querySelectorAll('.error')) line.remove();
  for (const input of form.querySelectorAll('[aria-invalid]')) input.removeAttribute('aria-invalid');
  const line = form.querySelector('.form-error');
  if (line) line.textContent = '';
}

/** The line for errors that belong to no field. */
export const errorLine = () => h('p', { class: 'form-error', role: 'alert' });

/**
 * A button that cannot be pressed twice while `run` is under way.
 * @param {any} label
 * @param {import('./dom.js').Props} props
 * @param {() => any} run
 */
export function button(label, props, run) {
  const element = h('button', { type: 'button', ...props }, label);
  element.addEventListener('click', () => busy(element, run));
  return element;
}

/**
 * Runs `run` with a button out of use meanwhile.
 * @param {HTMLButtonElement} element
 * @param {() => any} run
 */
export async function busy(element, run) {
  if (element.disabled) return;
  element.disabled = true;
  element.setAttribute('aria-busy', 'true');
  try {
    await run();
  } finally {
    element.disabled = false;
    element.removeAttribute('aria-busy');
  }
}
