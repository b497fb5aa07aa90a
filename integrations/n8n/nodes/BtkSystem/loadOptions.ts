// The labels that the server offers for types and categories, as lists to choose from.
//
// It must not know where the lists are shown.

import type { ILoadOptionsFunctions, INodePropertyOptions } from 'n8n-workflow';

import { ask } from './transport';

function choices(field: string) {
  return async function (this: ILoadOptionsFunctions): Promise<INodePropertyOptions[]> {
    const { body } = await ask.call(this, { method: 'GET', path: `/api/meta/${field}` });
    return (body as Array<{ value: string; label: string }>).map(({ value, label }) => ({ name: label, value }));
  };
}

export const loadOptions = { getTypes: choices('types'), getCategories: choices('categories') };
