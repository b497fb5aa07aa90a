// The connection: where a person's own server is, and its token.
//
// It must not know what the connection is used for.

import { ask } from './http.js';

const looksRight = (data) => typeof data?.name === 'string' && typeof data.version === 'string';

const test = (z, bundle) => ask(z, bundle, { url: '/api/me', looksRight });

export default {
  type: 'custom',
  fields: [
    {
      key: 'address',
      label: 'Address',
      type: 'string',
      required: true,
      isNoSecret: true,
      placeholder: 'https://tasks.example.org',
      helpText: 'Where you open your BTK-System in a browser. Zapier must be able to reach it over the internet.',
    },
    {
      key: 'token',
      label: 'API Token',
      type: 'password',
      required: true,
      helpText: 'The value of `API_TOKEN` in the settings (`.env`) of your BTK-System.',
    },
  ],
  test,
  connectionLabel: (z, bundle) => bundle.inputData.name,
};
