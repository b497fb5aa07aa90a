// The check of signatures, by itself.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isSigned } from '../signature.js';

// A vector that the official libraries of Standard Webhooks agree on.
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const SIGNATURE = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';
const signed = (changes = {}, content = '{"test": 2432232314}') => ({
  headers: {
    'Http-Webhook-Id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'Http-Webhook-Timestamp': '1614265330',
    'Http-Webhook-Signature': SIGNATURE,
    ...changes,
  },
  content,
});

test('what was signed with the secret is let in', () => {
  assert.equal(isSigned(signed(), SECRET), true);
});

test('headers may come in any spelling', () => {
  const { headers, content } = signed();
  for (const spell of [
    (name) => name.replace('Http-', ''),
    (name) => name.replace('Http-', '').toLowerCase(),
    (name) => name.replaceAll('-', '_').toUpperCase(),
  ]) {
    const spelled = Object.fromEntries(Object.entries(headers).map(([name, value]) => [spell(name), value]));
    assert.equal(isSigned({ headers: spelled, content }, SECRET), true, Object.keys(spelled)[0]);
  }
});

test('one good signature among several is enough, as while a secret is being changed', () => {
  const both = `v1,bm90IHRoaXMgb25l ${SIGNATURE}`;
  assert.equal(isSigned(signed({ 'Http-Webhook-Signature': both }), SECRET), true);
});

test('anything else is not', () => {
  assert.equal(isSigned(signed({}, '{"test": 2432232315}'), SECRET), false, 'another body');
  assert.equal(isSigned(signed({ 'Http-Webhook-Id': 'msg_other' }), SECRET), false, 'another id');
  assert.equal(isSigned(signed({ 'Http-Webhook-Timestamp': '1614265331' }), SECRET), false, 'another time');
  assert.equal(isSigned(signed({ 'Http-Webhook-Signature': '' }), SECRET), false, 'no signature');
  assert.equal(isSigned(signed({ 'Http-Webhook-Signature': 'v1,AAAA' }), SECRET), false, 'a short one');
  assert.equal(isSigned(signed({ 'Http-Webhook-Signature': SIGNATURE.replace('v1,', 'v2,') }), SECRET), false, 'v2');
  assert.equal(isSigned(signed(), 'whsec_bm90IHRoaXMgb25l'), false, 'another secret');
  assert.equal(isSigned(signed(), undefined), false, 'no secret');
  assert.equal(isSigned(undefined, SECRET), false, 'no request');
});
