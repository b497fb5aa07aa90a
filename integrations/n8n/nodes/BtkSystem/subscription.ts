// The webhook in BTK-System that belongs to one URL of n8n: looks for it, makes it, takes it away.
//
// It must not know the parameters of the trigger node, nor where n8n keeps id and secret. A URL of n8n
// belongs to one trigger alone, so whatever leads there is that trigger's own, also what a crash left behind.

import type { IDataObject, IHookFunctions, IHttpRequestMethods } from 'n8n-workflow';

import { ask } from './transport';

/** How old a refused event may be to be sent again, in milliseconds: as old as BTK-System lets one wait. */
const REFUSED_MAX_AGE = 72 * 60 * 60 * 1000;

export interface Wish extends IDataObject {
  url: string;
  events: string[];
  filter: Record<string, string[]>;
  ignoreOrigin: string[];
  payload: 'full';
  profile: 'n8n';
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
  /** The one under way, if any. */
  recovery: IDataObject | null;
  secret?: string;
}

/**
 * True if nothing but the webhook with this id leads to the URL, it does what is wished, and n8n has not refused its
 * events: it does that where the secret is not the one that n8n knows.
 */
export async function isThere(this: IHookFunctions, wish: Wish, id: string): Promise<boolean> {
  const all = await leadingTo.call(this, wish.url);
  const known = all.find((webhook) => webhook.id === id);
  if (!known || all.length > 1 || !fits(known, wish) || known.status === 'misconfigured') return false;
  await catchUp.call(this, known);
  return true;
}

/**
 * Makes the webhook and answers its id and secret. One that is there already is kept, so that what waits in it still
 * comes, and changed to what is wished. Its secret was told only once, so it becomes the one that n8n knows, which holds
 * from the first request on; where n8n knows none, a new one.
 */
export async function make(
  this: IHookFunctions,
  wish: Wish,
  known: string | undefined,
): Promise<{ id: string; secret: string }> {
  const all = await leadingTo.call(this, wish.url);
  const kept = all.find((webhook) => fits(webhook, wish)) ?? all[0];
  for (const webhook of all) if (webhook !== kept) await remove.call(this, webhook);
  if (!kept) {
    const { id, secret } = await change.call(this, 'POST', '/api/webhooks', wish);
    return { id, secret: secret as string };
  }
  const { url, ...changes } = wish;
  const path = `/api/webhooks/${kept.id}`;
  await change.call(this, 'PATCH', path, known ? { ...changes, secret: known } : changes);
  const secret = known ?? (await change.call(this, 'POST', `${path}/rotate-secret`)).secret;
  await catchUp.call(this, kept);
  return { id: kept.id, secret: secret as string };
}

async function change(
  this: IHookFunctions,
  method: IHttpRequestMethods,
  path: string,
  body?: IDataObject,
): Promise<Webhook> {
  return (await ask.call(this, { method, path, body, looksRight: isWebhook })).body as Webhook;
}

function isWebhook(body: unknown): boolean {
  return typeof (body as Webhook).id === 'string' && Array.isArray((body as Webhook).events);
}

/** Takes away all that leads to the URL. */
export async function takeAway(this: IHookFunctions, url: string): Promise<void> {
  for (const webhook of await leadingTo.call(this, url)) await remove.call(this, webhook);
}

async function leadingTo(this: IHookFunctions, url: string): Promise<Webhook[]> {
  const looksRight = (body: unknown) => Array.isArray(body) && body.every(isWebhook);
  const { body } = await ask.call(this, { method: 'GET', path: '/api/webhooks', query: { url }, looksRight });
  return body as Webhook[];
}

async function remove(this: IHookFunctions, { id }: Webhook): Promise<void> {
  await ask.call(this, { method: 'DELETE', path: `/api/webhooks/${id}` });
}

/**
 * Lets come what n8n did not take: what is held goes out now, and what n8n has refused is sent again, for while
 * it starts it answers 404 as if there were no such URL. A webhook that a person has paused stays as it is.
 */
async function catchUp(this: IHookFunctions, { id, status, recovery }: Webhook): Promise<void> {
  if (status === 'paused') return;
  if (status !== 'up') await ask.call(this, { method: 'POST', path: `/api/webhooks/${id}/resume` });
  if (recovery) return;
  const since = new Date(Date.now() - REFUSED_MAX_AGE).toISOString();
  const body = { since, states: ['failed'] };
  await ask.call(this, { method: 'POST', path: `/api/webhooks/${id}/recover`, body });
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
