// setup-advice: what to do about an answer of Make to a test, and about what was refused to Make: the guide's
// troubleshooting, cut to the case. Pure words; must not show or fetch anything.

/** @typedef {{address: string, key: string, check: string}} Place where an address and a key are changed */

/**
 * A piece of advice is a title and its steps.
 * @param {string} title
 * @param {...string} steps
 */
const advice = (title, ...steps) => ({ title, steps });

const AFTERWARDS = 'Send the test event again.';

/**
 * What to do after a test.
 * @param {{status: number|null, error: string|null, excerpt: string|null}} result the answer of a test
 * @param {{readOnly: boolean}} webhook `readOnly`: it comes from the settings
 * @returns {{title: string, steps: string[]}|null} null if all is well
 */
export function adviceOnTest(result, webhook) {
  const { status } = result;
  const place = PLACES[webhook.readOnly ? 'settings' : 'page'];
  if (status === null) return adviceOnSilence(result.error ?? '', place);
  if (status >= 200 && status < 300) return null;
  if (status === 400 && /^\s*queue is full/i.test(result.excerpt ?? '')) return FULL_QUEUE;
  if (status >= 300 && status < 400) return redirected(place);
  return (BY_STATUS[status] ?? (status >= 500 ? serverFault : refused))(place);
}

/** @type {Record<'settings'|'page', Place>} */
const PLACES = {
  settings: {
    address: 'Put the new address into WEBHOOK_URL in the settings, and start btk again.',
    key: 'Put WEBHOOK_HEADERS=x-make-apikey: your key into the settings, and start btk again.',
    check: 'Compare WEBHOOK_URL in the settings with the address that Make shows, letter by letter.',
  },
  page: {
    address: 'Choose “Use another address” in step 1 and paste the new one.',
    key: 'Open the webhook under Webhooks, edit it, and set the header x-make-apikey to the key.',
    check: 'Copy the address in Make again, and paste it in step 1 with “Use another address”.',
  },
};

const FULL_QUEUE = advice(
  'Make’s queue is full',
  'Open the scenario in Make: it is off, or has stopped at an error.',
  'Mend the error, then switch the scenario on. Changes that are held here go out by themselves as the queue empties.',
);

/** @param {Place} place */
const redirected = (place) =>
  advice(
    'The address leads elsewhere',
    'Redirects are never followed. The address is that of a page or of a proxy, not the webhook’s own.',
    place.address,
  );

/** @param {Place} place */
const noSuchWebhook = (place) =>
  advice(
    'Make knows no such webhook',
    'It was mistyped, deleted, or switched off by Make because no scenario used it for five days.',
    'Create the webhook in Make again, as the first module of a scenario, and copy its address.',
    place.address,
  );

/** @type {Record<number, (place: Place) => ReturnType<typeof advice>>} */
const BY_STATUS = {
  400: () =>
    advice(
      'The body does not fit the data structure',
      'A data structure is attached to the webhook in Make, and the event does not fit it.',
      'In Make, edit the webhook and remove the data structure, or choose Redetermine data structure.',
      AFTERWARDS,
    ),
  401: (place) =>
    advice(
      'Make asks for an API key',
      'Look into the webhook’s settings in Make: it has an API key, and it was not sent or is another one.',
      `${place.key} Make does not take it as Authorization: Bearer.`,
      AFTERWARDS,
    ),
  403: () =>
    advice(
      'Make does not let this server in',
      'Look at the IP restrictions in the webhook’s settings in Make, and add the address from which this server ' +
        'reaches the internet.',
      AFTERWARDS,
    ),
  404: noSuchWebhook,
  410: noSuchWebhook,
  413: () => advice('The event is too large', 'Make takes 5 MB. Raise the receiver’s limit, if it is not Make itself.'),
  429: () =>
    advice(
      'More than Make takes',
      'Make takes 300 requests in 10 seconds, and a scenario may have a limit of its own. Wait ten seconds.',
      'If it happens often, another sender uses the same webhook: give each its own, or set a lower rate for this ' +
        'one under Webhooks.',
      AFTERWARDS,
    ),
  500: () =>
    advice(
      'The scenario ran and failed',
      'Open the scenario’s history in Make; it says at which module.',
      'Each attempt is a run of its own. Leave the Webhook response module out, and a failed run is no longer ' +
        'answered here.',
      AFTERWARDS,
    ),
};

const serverFault = () =>
  advice(
    'The receiver is in trouble',
    'Nothing is to be changed here. A change would be tried again by itself, and wait until the receiver takes it.',
    'See whether Make reports an outage, or a proxy stands between; then send the test event again.',
  );

const refused = (place) =>
  advice('The receiver does not take the event', 'Its answer stands above.', place.check, AFTERWARDS);

/** The sentences of a test that got no answer, by how they begin. */
/** @type {[said: RegExp, advice: (place: Place) => ReturnType<typeof advice>][]} */
const SILENCES = [
  [
    /^(No answer came within|The answer was not complete)/,
    () =>
      advice(
        'Nothing came back in time',
        'The scenario answers late, or the network drops packets. In Make: a Webhook response module late in a ' +
          'long scenario.',
        'Answer early in the scenario, or leave that module out: each repeat would run the scenario again.',
        AFTERWARDS,
      ),
  ],
  [
    /\(DNS\)/,
    (place) =>
      advice(
        'There is no such host',
        'The host in the address is mistyped, or this machine’s name servers do not work.',
        place.check,
        'See from the server’s machine whether the name is found: getent hosts hook.eu1.make.com',
      ),
  ],
  [
    /\(TLS\)/,
    (place) =>
      advice(
        'The secure connection failed',
        'The certificate is not accepted, or the receiver does not speak TLS at that port. With Make itself, ' +
          'something on the way opens the connection, such as a company’s proxy.',
        'For a certificate of your own authority, name that authority’s file in the environment: ' +
          'SSL_CERT_FILE=/path/ca.pem, and start btk again.',
        place.check,
      ),
  ],
  [
    /WEBHOOK_ALLOW_TARGETS/,
    () =>
      advice(
        'The address is not a public one',
        'Webhooks made here reach public addresses only. Make’s are public, so check that the address is Make’s.',
        'If a receiver of your own is meant, name it in the settings: ' +
          'WEBHOOK_ALLOW_TARGETS=10.0.0.0/8,n8n.lan,localhost:5678, and start btk again.',
      ),
  ],
  [
    /connection was refused/,
    (place) =>
      advice('Nothing listens there', 'The receiver is not running, or the port in the address is wrong.', place.check),
  ],
  [
    /file handle|memory left/,
    () =>
      advice('This machine is out of resources', 'Raise the limit that the sentence above names, and start btk again.'),
  ],
];

/**
 * @param {string} error
 * @param {Place} place
 */
function adviceOnSilence(error, place) {
  const known = SILENCES.find(([words]) => words.test(error));
  if (known) return known[1](place);
  return advice(
    'The connection could not be made',
    'Most often there is no route to the receiver: see whether the server’s machine reaches the internet, and ' +
      'whether a firewall lets it out.',
    place.check,
    AFTERWARDS,
  );
}

/** Why nothing may arrive although all looks well. */
export const NOTHING_SENT = [
  'The start of btk says “Webhooks off”: WEBHOOK_URL is not set. The file .env is read from the folder where btk ' +
    'is started, and only at the start. A misspelt name is warned about.',
  'The change came in from Make, or with an X-BTK-Origin that the webhook ignores: it is not sent, on purpose, so ' +
    'that nothing goes round in circles.',
  'A filter of the webhook does not let it through.',
  'The write changed nothing, so there is no event.',
  'It waits: Deliveries says for what.',
  'BTK says “delivered” but nothing happens in Make: the scenario is off (Make answers 200 Accepted all the same), ' +
    'is scheduled rather than immediate, or stopped at an error. Look at the webhook’s queue.',
  'Make’s modules do not offer a field: it learned the fields from an older request. Choose Redetermine data ' +
    'structure, then send the test event again.',
];

/**
 * What to do about a refused webhook of Make.
 * @param {{status: number, error: string|null}} received the newest one
 */
export function adviceOnReceived({ status, error }) {
  const said = error ?? '';
  if (status === 401 && /Missing secret/.test(said)) {
    return advice(
      'The secret was not sent',
      'Add the header X-Webhook-Secret to the module, with the value of WEBHOOK_SECRET.',
    );
  }
  const known = RECEIVED[status];
  if (known) return known(said);
  return status >= 500
    ? advice(
        'The server could not take it',
        'It is too busy, stopping, or its disk is full. Make may send it again; the server’s log says more.',
      )
    : advice('It was not taken', 'Change what the sentence names, and run the module again.');
}

/** @type {Record<number, (said: string) => ReturnType<typeof advice>>} */
const RECEIVED = {
  400: (said) =>
    /not valid JSON/.test(said)
      ? advice('The JSON broke', 'A quote or a line break stands in a mapped text. Send a form instead.')
      : advice(
          'A field is wrong',
          'The sentence names it. Leave out title, status and priority when you have nothing for them: an empty ' +
            'one is refused.',
        ),
  401: () =>
    advice(
      'It is not the secret of this server',
      'Compare it with the value of WEBHOOK_SECRET. Look for a blank or a quote at its end.',
    ),
  413: () =>
    advice('The body is too large', 'At most 1 MiB is taken. Send links to attachments rather than their content.'),
  415: () =>
    advice(
      'The body is neither JSON nor a form',
      'Choose application/x-www-form-urlencoded or JSON as the body type in the module, so that Content-Type says ' +
        'which.',
    ),
  421: () =>
    advice(
      'The server was called by a name that it does not know',
      'Set PUBLIC_URL to the address by which Make calls it, or set API_TOKEN; then start btk again.',
    ),
  422: (said) =>
    /title/.test(said)
      ? advice(
          'A new task needs a title',
          'The id is not known here, so this would be a new task. Map title in the module, or check the id.',
        )
      : advice('Something is missing', 'The sentence names it. An Idempotency-Key may be used for one request only.'),
  429: (said) =>
    /wrong secret/i.test(said)
      ? advice(
          'Too many wrong secrets',
          'The right one passes at once; wrong ones may be tried again after a minute. Behind a proxy all callers ' +
            'share the proxy’s address.',
        )
      : advice(
          'More came in than is allowed',
          'Make repeats it after Retry-After. Raise INCOMING_RATE in the settings if it happens often.',
        ),
  500: (said) =>
    /not configured/.test(said)
      ? advice(
          'WEBHOOK_SECRET is not set',
          'Make one up with openssl rand -hex 24, put it into the settings as WEBHOOK_SECRET, and start btk again.',
        )
      : advice('A fault of the server', 'Its log says more, under the time shown.'),
};
