// The credential: where a BTK-System server is, and the token that it asks for.
//
// It must not know what the nodes ask of the server.

import type {
  IAuthenticateGeneric,
  ICredentialTestRequest,
  ICredentialType,
  Icon,
  INodeProperties,
} from 'n8n-workflow';

export class BtkSystemApi implements ICredentialType {
  name = 'btkSystemApi';

  displayName = 'BTK-System API';

  icon: Icon = { light: 'file:../icons/btk-system.svg', dark: 'file:../icons/btk-system.dark.svg' };

  documentationUrl = 'https://btk-system.example/n8n#credentials';

  properties: INodeProperties[] = [
    {
      displayName: 'Address',
      name: 'address',
      type: 'string',
      required: true,
      default: '',
      placeholder: 'https://tasks.example.org',
      description: 'Where n8n reaches your BTK-System server, without /api',
    },
    {
      displayName: 'API Token',
      name: 'apiToken',
      type: 'string',
      typeOptions: { password: true },
      default: '',
      description: "The server's API_TOKEN. Leave empty if the server runs without one.",
    },
  ];

  authenticate: IAuthenticateGeneric = {
    type: 'generic',
    properties: {
      headers: { Authorization: '=Bearer {{$credentials.apiToken}}' },
    },
  };

  test: ICredentialTestRequest = {
    request: {
      baseURL: '={{$credentials.address.trim().replace(/\\/+$/, "")}}',
      url: '/api/me',
      disableFollowRedirect: true,
      sendCredentialsOnCrossOriginRedirect: false,
    },
    rules: [
      {
        type: 'responseSuccessBody',
        properties: { key: 'version', value: undefined, message: 'This is not the answer of a BTK-System server' },
      },
    ],
  };
}
