// The labels for types and categories, which the server is asked for; the closed sets stand in fields.ts.
//
// It must not know which node offers them.

import type { ILoadOptionsFunctions, INodePropertyOptions } from 'n8n-workflow';

import { ask } from './transport';

export const loadOptions = { getTypes: offered('types'), getCategories: offered('categories') };

function offered(field: string) {
  return async function (this: ILoadOptionsFunctions): Promise<INodePropertyOptions[]> {
    const { body } = await ask.call(this, { method: 'GET', path: `/api/meta/${field}`, looksRight: Array.isArray });
    return (body as Array<{ value: string; label: string }>).map(({ value, label }) => ({ name: label, value }));
  };
}
