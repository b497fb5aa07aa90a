// Whether a request was signed with a secret, by the rules of Standard Webhooks.
//
// It must not know n8n: headers, bytes and a clock come in, a sentence or nothing goes out.

import { createHmac, timingSafeEqual } from 'node:crypto';

/** How far the sender's clock and ours may be apart, in seconds. */
const TOLERANCE = 300;

type Headers = Record<string, string | string[] | undefined>;

/** What is wrong with the signature, for a person at the sender; nothing if it is right. */
export function faultOf(secret: string, headers: Headers, rawBody: Buffer, now: number): string | undefined {
  const id = headers['webhook-id'];
  const timestamp = headers['webhook-timestamp'];
  const signatures = headers['webhook-signature'];
  if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signatures !== 'string') {
    return 'The request is not signed: webhook-id, webhook-timestamp or webhook-signature is missing';
  }
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(now - Number(timestamp)) > TOLERANCE) {
    return 'webhook-timestamp is more than 5 minutes away from the time of n8n; check the clocks of both servers';
  }
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(rawBody).digest();
  // Two signatures while a secret is being changed; one that fits is enough.
  const fits = signatures.split(' ').some((signature) => {
    const [version, code = ''] = signature.split(',');
    const given = Buffer.from(code, 'base64');
    return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected);
  });
  return fits ? undefined : 'webhook-signature does not fit: the request is not from this BTK-System webhook';
}
