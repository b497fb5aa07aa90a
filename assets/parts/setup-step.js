// setup-step: the frame of one step of the set-up: its number, its name, how far it is. Must not know what is done
// in it.

import { h, put } from './dom.js';
import { icon } from './icons.js';

const STATES = {
  waiting: { label: '', tone: 'plain' },
  todo: { label: 'To do', tone: 'info', icon: 'dot' },
  done: { label: 'Done', tone: 'good', icon: 'check' },
  attention: { label: 'Needs attention', tone: 'warn', icon: 'alert' },
  skipped: { label: 'Skipped', tone: 'plain', icon: 'stop' },
};

/**
 * A step.
 * @param {{number: number, title: string, lead: string, body: any, aside?: any, action?: any, test: string}} options
 *   `aside`: what is to be done in Make, beside what is done here; `action`: a button for the step as a whole
 * @returns {{element: HTMLElement, become: (state: keyof STATES, text?: string) => void}}
 */
export function step({ number, title, lead, body, aside, action, test }) {
  const badge = h('span', { class: 'mark badge', role: 'status' });
  const sign = h('span', { class: 'step-number', 'aria-hidden': 'true' }, number);
  const said = h('p', { class: 'soft' }, lead);
  const main = h('div', { class: 'stack step-main' }, body);
  const element = h(
    'section',
    { class: 'card step', 'aria-labelledby': `step-${number}`, data: { test, state: 'waiting' } },
    h(
      'div',
      { class: 'step-head' },
      sign,
      h('div', { class: 'grow' }, h('h2', { id: `step-${number}` }, title), said),
      h('div', { class: 'row step-state' }, action, badge),
    ),
    h('div', { class: ['step-body', aside && 'two'] }, main, aside),
  );
  return {
    element,
    become(state, text) {
      said.textContent = text ?? lead;
      if (element.dataset.state === state) return;
      element.dataset.state = state;
      const { label, tone, icon: drawing } = STATES[state];
      badge.className = `mark badge ${tone}`;
      put(badge, drawing && icon(drawing), label);
      put(sign, state === 'done' ? icon('check') : number);
    },
  };
}

/** What is to be done elsewhere, in order. */
export const guide = (title, ...steps) =>
  h(
    'aside',
    { class: 'guide' },
    h('h3', {}, title),
    h(
      'ol',
      {},
      steps.map((words) => h('li', {}, words)),
    ),
  );

/** A name that stands so on the screen of another program. */
export const named = (text) => h('b', { class: 'named' }, text);
