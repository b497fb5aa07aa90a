// Whether a delivery was signed with a webhook's secret, by the rules of Standard Webhooks.
//
// It must not know what is in the delivery.

import { createHmac, timingSafeEqual } from 'node:crypto';

/** Zapier hands headers on as `Http-Webhook-Id`; without the prefix they are taken too. */
function header(headers, name) {
  const plain = (key) => key.toLowerCase().replaceAll('_', '-').replace(/^http-/, '');
  const found = Object.keys(headers).find((key) => plain(key) === name);
  return found === undefined ? '' : String(headers[found]);
}

/**
 * Says whether `rawRequest` carries a signature made with `secret`. How old it is does not count: Zapier
 * may come to a delivery long after it took it in, and nobody would send it again.
 */
export function isSigned(rawRequest, secret) {
  const { headers, content } = rawRequest ?? {};
  if (!secret || !headers || typeof content !== 'string') return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const signed = `${header(headers, 'webhook-id')}.${header(headers, 'webhook-timestamp')}.${content}`;
  const expected = createHmac('sha256', key).update(signed).digest();
  return header(headers, 'webhook-signature')
    .split(' ')
    .filter((signature) => signature.startsWith('v1,'))
    .map((signature) => Buffer.from(signature.slice(3), 'base64'))
    .some((given) => given.length === expected.length && timingSafeEqual(given, expected));
}
