// The webhook in BTK-System that belongs to one URL of n8n: looks for it, makes it, takes it away.
//
// It must not know the parameters of the trigger node, nor where n8n keeps id and secret. A URL of n8n
// belongs to one trigger alone, so whatever leads there is that trigger's own, also what a crash left behind.

import type { IDataObject, IHookFunctions } from 'n8n-workflow';

import { ask } from './transport';

export interface Wish extends IDataObject {
  url: string;
  events: string[];
  filter: Record<string, string[]>;
  ignoreOrigin: string[];
  payload: 'full';
  source: 'n8n';
  description: string;
}

interface Webhook extends IDataObject {
  id: string;
  events: string[];
  filter: Record<string, string[]>;
  ignoreOrigin: string[];
  payload: string;
  status: string;
  secret?: string;
}

/** True if nothing but the webhook with this id leads to the URL, and it does what is wished. */
export async function isThere(this: IHookFunctions, wish: Wish, id: string): Promise<boolean> {
  const [first, ...others] = await leadingTo.call(this, wish.url);
  if (!first || others.length > 0 || first.id !== id || !fits(first, wish)) return false;
  await wake.call(this, first);
  return true;
}

/**
 * Makes the webhook and answers its id and secret. One that is there already and fits is kept, so that
 * what waits in it still comes; its secret was told only once, so it gets a new one.
 */
export async function make(this: IHookFunctions, wish: Wish): Promise<{ id: string; secret: string }> {
  for (const webhook of await leadingTo.call(this, wish.url)) {
    if (!fits(webhook, wish)) await remove.call(this, webhook);
  }
  const made = (await ask.call(this, { method: 'POST', path: '/api/webhooks', body: wish })).body as Webhook;
  if (made.secret) return { id: made.id, secret: made.secret };
  const { body } = await ask.call(this, { method: 'POST', path: `/api/webhooks/${made.id}/rotate-secret` });
  await wake.call(this, made);
  return { id: made.id, secret: (body as Required<Webhook>).secret };
}

/** Takes away all that leads to the URL. */
export async function takeAway(this: IHookFunctions, url: string): Promise<void> {
  for (const webhook of await leadingTo.call(this, url)) await remove.call(this, webhook);
}

async function leadingTo(this: IHookFunctions, url: string): Promise<Webhook[]> {
  const { body } = await ask.call(this, { method: 'GET', path: '/api/webhooks', query: { url } });
  return body as Webhook[];
}

async function remove(this: IHookFunctions, { id }: Webhook): Promise<void> {
  await ask.call(this, { method: 'DELETE', path: `/api/webhooks/${id}` });
}

/** Lets a webhook that n8n did not answer be looked at now. One that a person has paused stays paused. */
async function wake(this: IHookFunctions, { id, status }: Webhook): Promise<void> {
  if (status === 'up' || status === 'paused') return;
  await ask.call(this, { method: 'POST', path: `/api/webhooks/${id}/resume` });
}

function fits(webhook: Webhook, wish: Wish): boolean {
  const lists = Object.keys({ ...webhook.filter, ...wish.filter });
  return (
    webhook.payload === wish.payload &&
    sameSet(webhook.events, wish.events) &&
    sameSet(webhook.ignoreOrigin, wish.ignoreOrigin) &&
    lists.every((list) => sameSet(webhook.filter[list] ?? [], wish.filter[list] ?? []))
  );
}

function sameSet(some: string[], others: string[]): boolean {
  return JSON.stringify([...new Set(some)].sort()) === JSON.stringify([...new Set(others)].sort());
}
