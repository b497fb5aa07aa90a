// overview: how the sending goes, now and over a span of time: numbers, what needs a person, charts.

import { address } from '../parts/address.js';
import { get } from '../parts/api.js';
import { find, h, keepFocus } from '../parts/dom.js';
import { watch } from '../parts/live.js';
import { drawAttention } from '../parts/overview-attention.js';
import { charts } from '../parts/overview-charts.js';
import { SPANS, drawTiles } from '../parts/overview-tiles.js';
import { begin } from '../parts/shell.js';
import { addressNote, troubleBox } from '../parts/trouble.js';
import { valuesOf } from '../parts/words.js';

const REST = 1_000; // milliseconds between two readings while much happens
const TURN = 15_000; // and after which a new one is due, since the span moves on by itself

const group = 'Overview';
const main = begin({
  keys: [
    ...SPANS.map(({ value, words }, index) => ({
      keys: [String(index + 1)],
      label: `What happened ${words}`,
      group,
      run: () => choose(value),
    })),
    { keys: ['ArrowLeft', 'ArrowRight'], label: 'Go through the points of a chart that has the focus', group },
    { keys: ['Home', 'End'], label: 'To its first point, and to its last', group },
  ],
});
const span = address(
  { span: 'hour' },
  () => {
    note.show();
    showSpan();
    // What is wrong is said on the page.
    load().catch(() => {});
  },
  { span: valuesOf(SPANS) },
);
const note = addressNote(span);
const spanNow = () => span.values.span;
const choose = (value) => value === spanNow() || span.set({ span: value }, { push: true });

const choices = SPANS.map(({ value, label, words }) =>
  h('button', { type: 'button', title: words, data: { span: value }, on: { click: () => choose(value) } }, label),
);
const tiles = h('section', { class: 'tiles', 'aria-label': 'Now' });
const attention = h('section', { class: 'card padded attention', 'aria-live': 'polite' });
const drawings = charts();
const trouble = troubleBox({ again: () => again(), isThere: () => !content.hidden });
const start = h(
  'div',
  { class: 'note', hidden: true, data: { test: 'start' } },
  h(
    'p',
    {},
    'Nothing is sent yet, since no webhook is set up. ',
    h('a', { href: '/setup' }, 'Set up Make'),
    ', or ',
    h('a', { href: '/webhooks' }, 'add a webhook'),
    ' for another receiver.',
  ),
);
const content = h('div', { class: 'stack overview', hidden: true }, start, tiles, attention, drawings.element);
main.append(
  h(
    'div',
    { class: 'head' },
    find('.title'),
    h('div', { class: 'choices', role: 'group', 'aria-label': 'Span' }, choices),
  ),
  note,
  trouble.element,
  content,
);

function showSpan() {
  for (const choice of choices) choice.setAttribute('aria-pressed', String(choice.dataset.span === spanNow()));
}

let asking = null;

/** Reads everything and shows it; a newer call takes the place of one under way. */
async function load() {
  asking?.abort();
  const { signal } = (asking = new AbortController());
  const name = spanNow();
  try {
    const [points, total, webhooks, figures, failed] = await Promise.all([
      get('/api/figures', { span: name }, { signal }),
      get('/api/figures/total', { span: name }, { signal }),
      get('/api/webhooks', { limit: 1000 }, { signal }),
      get('/api/figures/webhooks', {}, { signal }),
      get('/api/deliveries', { status: 'failed', limit: 1 }, { signal }),
    ]);
    const found = {
      points: points.data,
      total: total.data,
      webhooks: webhooks.data,
      figures: figures.data,
      failed: failed.total ?? 0,
      span: name,
    };
    keepFocus(() => show(found));
    trouble.clear();
  } catch (error) {
    trouble.say(error);
    throw error;
  }
}

/**
 * @typedef {{points: Api.Figures[], total: Api.FiguresTotal, webhooks: Api.Webhook[], figures: Api.WebhookFigures[],
 *   failed: number, span: string}} Found
 */

/** @param {Found} found */
function show(found) {
  drawAttention(attention, found);
  drawTiles(tiles, found);
  start.hidden = found.webhooks.length > 0;
  content.hidden = false;
  drawings.show(found.points);
}

const again = watch(async () => {
  await load();
  await new Promise((done) => setTimeout(done, REST));
});
setInterval(() => document.hidden || again(), TURN);

showSpan();
again();
