// n8n's own rules for community nodes, with support for n8n Cloud.
//
// It must not know rules of taste: what n8n does not ask for is not asked for here.

import { n8nCommunityNodesPlugin } from '@n8n/eslint-plugin-community-nodes';
import parser from '@typescript-eslint/parser';
import n8nNodesBase from 'eslint-plugin-n8n-nodes-base';

const community = n8nCommunityNodesPlugin.configs.recommended;
const plugins = { ...community.plugins, 'n8n-nodes-base': n8nNodesBase };
const rulesFor = (files, base, off = {}) => ({
  files,
  plugins,
  languageOptions: { parser, parserOptions: { extraFileExtensions: ['.json'] } },
  rules: { ...community.rules, ...base, ...off },
});

export default [
  { ignores: ['dist/', 'node_modules/', 'scripts/', 'test/', 'eslint.config.mjs'] },
  // n8n's own configuration switches these off too: the first two do not know the current constants for inputs.
  rulesFor(['nodes/**/*.ts'], n8nNodesBase.configs.nodes.rules, {
    'n8n-nodes-base/node-class-description-inputs-wrong-regular-node': 'off',
    'n8n-nodes-base/node-class-description-outputs-wrong': 'off',
    'n8n-nodes-base/node-param-type-options-max-value-present': 'off',
  }),
  rulesFor(['credentials/**/*.ts'], n8nNodesBase.configs.credentials.rules, {
    'n8n-nodes-base/cred-class-field-documentation-url-miscased': 'off',
    'n8n-nodes-base/cred-class-field-type-options-password-missing': 'off',
  }),
  rulesFor(['package.json'], n8nNodesBase.configs.community.rules),
];
