// nowhere: what is shown at an address where there is nothing: that this is so, and the ways on. Must not ask the
// server anything of its own.

import { find, h } from '../parts/dom.js';
import { begin } from '../parts/shell.js';

const pages = [...document.querySelectorAll('.top nav a')].map((link) => [link.getAttribute('href'), link.textContent]);

begin({ isLive: false }).append(
  h('div', { class: 'head' }, find('.title')),
  h(
    'div',
    { class: 'card padded stack nowhere', data: { test: 'nowhere' } },
    h('p', {}, 'There is no page at ', h('code', { dir: 'ltr' }, location.pathname), '. Look at how it is spelled, or go on from here:'),
    h(
      'ul',
      {},
      pages.map(([href, name]) => h('li', {}, h('a', { href }, name), ' ', h('code', { class: 'soft' }, href))),
    ),
  ),
);
