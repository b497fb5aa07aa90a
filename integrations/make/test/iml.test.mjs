// The interpreter of IML against what Make documents of it. If this is wrong, all that the other tests show is.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ImlError, parse, render, transform } from './iml.mjs';

const variables = {
  body: { items: [{ id: 7 }, { id: 8 }], name: 'n', 'odd key': 1, none: null },
  headers: { 'x-next-cursor': 'c1' },
  parameters: { on: true, title: 'a "b"\n{{parameters.on}} }}', when: new Date('2026-12-01T10:00:00+01:00'), tags: [] },
};

for (const [template, expected] of [
  ['plain', 'plain'],
  ['', ''],
  ['{{body.items[1].id}}', 7],
  ['{{body.items[2].id}}', 8],
  ['{{body.items[3].id}}', undefined],
  ['{{body.missing.deeper}}', undefined],
  ['{{body.name.length}}', undefined],
  ['{{body.constructor}}', undefined],
  ['{{body.`odd key`}}', 1],
  ['{{headers.`x-next-cursor`}}', 'c1'],
  ['{{parameters.tags}}', []],
  ['{{body.none}}', null],
  ['<{{body.none}}|{{body.missing}}|{{body.name}}>', '<||n>'],
  ['{{parameters.title}}', 'a "b"\n{{parameters.on}} }}'],
  ['={{parameters.title}}=', '=a "b"\n{{parameters.on}} }}='],
  ["{{ '}} {{' }}", '}} {{'],
  ["{{if(parameters.on, 'yes', nowhere)}}", 'yes'],
  ["{{ifempty(body.none, 'x')}}", 'x'],
  ["{{ifempty('', undefined)}}", undefined],
  ['{{ifempty(0, 1)}}', 0],
  ["{{encodeURL('a/b?c:d é')}}", 'a%2Fb%3Fc%3Ad%20%C3%A9'],
  ["{{replace('https://x//', '/[/]+$/', '')}}", 'https://x'],
  ["{{replace('a.b.c', '.', '')}}", 'abc'],
  ["{{split('make, zapier,', ',')}}", ['make', 'zapier']],
  ['{{min(500, undefined)}}', 500],
  ['{{min(500, 10)}}', 10],
  ["{{formatDate(parameters.when, 'YYYY-MM-DDTHH:mm:ss.SSS[Z]', 'UTC')}}", '2026-12-01T09:00:00.000Z'],
  ["{{1 + 1 = 2 && !(body.name != 'n')}}", true],
  ['{{1 < 2 & 2 >= 2 | false}}', true],
  ["{{'a' + 1}}", 'a1'],
]) {
  test(`${JSON.stringify(template)} is ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(render(template, variables), expected);
  });
}

for (const [template, reason] of [
  ['{{nowhere.x}}', /no variable nowhere/],
  ['{{toString}}', /no variable toString/],
  ['{{lower(body.name)}}', /unknown function lower/],
  ['{{constructor(1)}}', /unknown function constructor/],
  ['{{if(true, 1)}}', /if with 2 arguments/],
  ['{{body.items[0]}}', /counts from 1/],
  ['{{body.items.id}}', /asked of an array/],
  ['{{["a"]}}', /unexpected "\["/],
  ['{{body.name', /cannot read/],
  ['{{body.name}', /cannot read/],
  ['body.name}}', /without/],
  ['{{body..name}}', /no name after the dot/],
  ['{{body.name body}}', /expected the end/],
  ['{{2 * 3}}', /expected the end/],
  ['{{if(true; 1; 2)}}', /cannot read/],
  ['x{{body}}', /inside a text/],
]) {
  test(`${template} is an error`, () => {
    const isIt = (error) => error instanceof ImlError && reason.test(error.message);
    assert.throws(() => render(template, variables), isIt);
  });
}

test('undefined drops a key, null and an empty text stay', () => {
  const given = { a: '{{body.missing}}', b: '{{body.none}}', c: "{{''}}", d: [{ e: '{{body.missing}}' }] };
  assert.deepEqual(transform(given, variables), { b: null, c: '', d: [{}] });
});

test('{{...}} spreads a collection and nothing else', () => {
  const given = { pairs: [{ key: 'a', value: 1 }], none: undefined };
  assert.deepEqual(transform({ b: 2, '{{...}}': "{{toCollection(pairs, 'key', 'value')}}" }, given), { b: 2, a: 1 });
  assert.deepEqual(transform({ b: 2, '{{...}}': '{{none}}' }, given), { b: 2 });
  assert.throws(() => transform({ '{{...}}': '{{pairs}}' }, given), ImlError);
  assert.throws(() => transform({ '{{b}}': 1 }, given), ImlError);
});

test('the branch that is not taken is not computed', () => {
  assert.equal(render("{{if(true, 'a', encodeURL(body))}}", variables), 'a');
});

test('a text is read in pieces', () => {
  assert.equal(parse('a{{body}}b{{body}}').length, 4);
});
