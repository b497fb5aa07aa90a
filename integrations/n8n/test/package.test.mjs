// What n8n reads of the package before it runs any of it, and the test vector of the signature.
//
// It must not know what the nodes do.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { action, credential, trigger } from './host.mjs';

const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL('..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

test('n8n finds every node, credential, icon and codex file where the package says', () => {
  assert.deepEqual(manifest.files, ['dist']);
  for (const path of [...manifest.n8n.nodes, ...manifest.n8n.credentials]) {
    const [name, kind] = basename(path).split('.');
    const instance = new (require(join(root, path))[name])();
    const { light, dark } = (instance.description ?? instance).icon;
    for (const icon of [light, dark]) {
      assert.ok(existsSync(join(root, dirname(path), icon.replace('file:', ''))), `${path}: ${icon}`);
    }
    if (kind === 'node') {
      const codex = JSON.parse(readFileSync(join(root, path.replace(/\.js$/, '.json')), 'utf8'));
      assert.equal(codex.node, `${manifest.name}.${instance.description.name}`);
      assert.deepEqual(instance.description.credentials, [{ name: credential.name, required: true }]);
    }
  }
});

test('the package needs nothing but n8n', () => {
  assert.equal(manifest.dependencies, undefined);
  assert.deepEqual(manifest.peerDependencies, { 'n8n-workflow': '*' });
  assert.ok(manifest.keywords.includes('n8n-community-node-package'));
  assert.equal(manifest.license, 'MIT');
});

test('an AI agent may use the action, and the token is hidden', () => {
  assert.equal(action.description.usableAsTool, true);
  assert.deepEqual(trigger.description.inputs, []);
  const token = credential.properties.find(({ name }) => name === 'apiToken');
  assert.equal(token.typeOptions.password, true);
});

test('the signature is that of Standard Webhooks', () => {
  const { faultOf } = require('../dist/nodes/BtkSystem/signature.js');
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
  const headers = {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  };
  const body = Buffer.from('{"test": 2432232314}');
  assert.equal(faultOf(secret, headers, body, 1614265330), undefined);
  assert.equal(faultOf(secret, headers, body, 1614265330 + 300), undefined);
  assert.match(faultOf(secret, headers, body, 1614265330 + 301), /clocks/);
  assert.match(faultOf(secret, headers, Buffer.from('{"test":2432232314}'), 1614265330), /does not fit/);
});
