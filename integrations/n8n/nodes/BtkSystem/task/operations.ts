// Each operation on tasks: the request that it makes, and the tasks that come of it.
//
// It must not know how errors are shown or items are paired; the node does both.

import { createHash } from 'node:crypto';

import { NodeOperationError } from 'n8n-workflow';
import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';

import { ask } from '../transport';
import { filledIn } from '../values';

/** How many tasks one request asks for at most: few enough to stay small with long descriptions. */
const PAGE = 200;

const isTask = (body: unknown) => typeof (body as IDataObject).id === 'string';

/** A header holds few characters; what does not fit, such as a subject line, is told apart by its digest. */
const keyOf = (text: string) => (/^[!-~]{1,255}$/.test(text) ? text : createHash('sha256').update(text).digest('hex'));

type Operation = (this: IExecuteFunctions, itemIndex: number) => Promise<IDataObject[]>;

export const operations: Record<string, Operation> = {
  async create(itemIndex) {
    const title = this.getNodeParameter('title', itemIndex) as string;
    const { idempotencyKey, ...fields } = this.getNodeParameter('additionalFields', itemIndex) as IDataObject;
    const { body } = await ask.call(this, {
      method: 'POST',
      path: '/api/tasks',
      body: { ...filledIn(fields, this.getTimezone()), title },
      headers: idempotencyKey ? { 'Idempotency-Key': keyOf(String(idempotencyKey)) } : {},
      looksRight: isTask,
      itemIndex,
    });
    return [body as IDataObject];
  },

  async get(itemIndex) {
    const path = pathOf(this, itemIndex);
    const { body } = await ask.call(this, { method: 'GET', path, looksRight: isTask, itemIndex });
    return [body as IDataObject];
  },

  async getAll(itemIndex) {
    const all = this.getNodeParameter('returnAll', itemIndex) as boolean;
    const limit = all ? Infinity : (this.getNodeParameter('limit', itemIndex) as number);
    const filters = this.getNodeParameter('filters', itemIndex) as IDataObject;
    const query = {
      ...filledIn(filters, this.getTimezone()),
      sort: this.getNodeParameter('sort', itemIndex) as string,
    };
    const looksRight = (body: unknown) => Array.isArray(body) && body.every(isTask);
    const tasks: IDataObject[] = [];
    let cursor: unknown;
    let last: IDataObject[];
    do {
      const page = { limit: Math.min(PAGE, limit - tasks.length), ...(cursor ? { cursor } : {}) };
      const { headers, body } = await ask.call(this, {
        method: 'GET',
        path: '/api/tasks',
        query: { ...query, ...page } as IDataObject,
        looksRight,
        itemIndex,
      });
      last = body as IDataObject[];
      tasks.push(...last);
      cursor = headers['x-next-cursor'];
    } while (cursor && last.length > 0 && tasks.length < limit);
    return tasks;
  },

  async update(itemIndex) {
    const fields = this.getNodeParameter('updateFields', itemIndex) as IDataObject;
    const changed = filledIn(fields, this.getTimezone());
    const cleared = this.getNodeParameter('clearFields', itemIndex) as string[];
    const both = cleared.find((name) => name in changed);
    if (both) {
      throw new NodeOperationError(this.getNode(), `"${both}" has a value under Update Fields and is to be cleared`, {
        description: 'Take it away from one of the two.',
        itemIndex,
      });
    }
    const change = { ...changed, ...Object.fromEntries(cleared.map((name) => [name, null])) };
    if (Object.keys(change).length === 0) {
      throw new NodeOperationError(this.getNode(), 'There is nothing to change', {
        description: 'Fill in a field under Update Fields, or choose one under Fields to Clear.',
        itemIndex,
      });
    }
    const { body } = await ask.call(this, {
      method: 'PATCH',
      path: pathOf(this, itemIndex),
      body: change,
      looksRight: isTask,
      itemIndex,
    });
    return [body as IDataObject];
  },

  async delete(itemIndex) {
    const path = pathOf(this, itemIndex);
    const looksRight = (body: unknown) => isTask((body as IDataObject).task ?? {});
    const { body } = await ask.call(this, { method: 'DELETE', path, looksRight, itemIndex });
    return [{ deleted: true, task: (body as IDataObject).task }];
  },
};

function pathOf(context: IExecuteFunctions, itemIndex: number): string {
  const id = String(context.getNodeParameter('taskId', itemIndex) ?? '').trim();
  if (id === '') throw new NodeOperationError(context.getNode(), 'Task ID is empty', { itemIndex });
  // Only an incoming webhook can make such a task; in an address these two mean folders.
  if (id === '.' || id === '..') {
    const what = `A task with the ID "${id}" cannot be reached by an address`;
    throw new NodeOperationError(context.getNode(), what, { itemIndex });
  }
  return `/api/tasks/${encodeURIComponent(id)}`;
}
