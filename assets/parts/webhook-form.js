// webhook-form: the side panel in which a webhook is added or edited. Only what differs is sent. Must not show a secret
// or draw the list.

import { send } from './api.js';
import { confirm, open } from './dialog.js';
import { h } from './dom.js';
import { busy, clearErrors, showError } from './form.js';
import { toast } from './toast.js';
import { placeOf, webhookFields } from './webhook-fields.js';
import { differing, valuesOf } from './webhook-values.js';
import { masked, namedIn } from './webhook-words.js';

/**
 * Opens it.
 * @param {{webhook: Api.Webhook|null, onSaved: (webhook: Api.Webhook) => void,
 *   onMade?: (made: {webhook: Api.Webhook, secret: string}) => void}} options `webhook`: null for a new one
 */
export function openForm({ webhook, onSaved, onMade }) {
  const before = valuesOf(webhook);
  const fields = webhookFields(before, webhook?.url ?? null);
  const form = fields.element;
  let isSaved = false;
  const save = h('button', { type: 'submit', class: 'first', form: form.id }, webhook ? 'Save' : 'Add webhook');
  const dialog = open({
    title: webhook ? `Edit ${namedIn(webhook)}` : 'Add webhook',
    side: true,
    wide: true,
    body: form,
    foot: [h('button', { type: 'button', on: { click: () => mayClose() && dialog.close() } }, 'Cancel'), save],
    mayClose,
    onClose: () => removeEventListener('beforeunload', stay),
  });
  addEventListener('beforeunload', stay);
  fields.focus();

  function changed() {
    const url = fields.url();
    const secret = fields.secret();
    return { ...(url && { url }), ...(secret && { secret }), ...differing(before, fields.read()) };
  }

  const isChanged = () => !isSaved && Object.keys(changed()).length > 0;

  function stay(event) {
    if (isChanged()) event.preventDefault();
  }

  function mayClose() {
    if (!isChanged()) return true;
    confirm({ title: 'Leave without saving?', text: 'What you typed is not saved yet.', yes: 'Leave' }).then(
      (yes) => yes && dialog.close(),
    );
    return false;
  }

  /** @param {{field: string|null, message: string}} error */
  function wrong(error) {
    showError(form, { field: placeOf(error.field), message: error.message });
    const place = form.querySelector('.wrong') ?? form.querySelector('.form-error');
    place?.closest('details')?.setAttribute('open', '');
    // It got no focus while it was folded up.
    /** @type {HTMLElement|null|undefined} */
    const input = place?.querySelector('input, select');
    input?.focus();
    place?.scrollIntoView({ block: 'nearest' });
  }

  async function submit() {
    clearErrors(form);
    const lack = fields.check();
    if (lack) return wrong(lack);
    const body = changed();
    try {
      if (webhook) await change(webhook.id, body);
      else await make(body);
    } catch (error) {
      // A fault of the page's own is no sentence for the reader, but what was typed stays.
      if (error.status === undefined) throw error;
      wrong(error);
    }
  }

  async function change(id, body) {
    if (Object.keys(body).length > 0) {
      const { data } = await send('PATCH', `/api/webhooks/${encodeURIComponent(id)}`, body);
      onSaved(data);
      toast(`${namedIn(data)} is saved.`);
    }
    isSaved = true;
    dialog.close();
  }

  async function make(body) {
    const { data } = await send('POST', '/api/webhooks', body);
    if (!('secret' in data)) {
      // Nothing was made, so nothing that was typed may be lost.
      return wrong({
        field: null,
        message:
          `The webhook ${namedIn(data)} has this address and these events already; nothing was made or changed. ` +
          'Edit that one, or choose other events.',
      });
    }
    isSaved = true;
    dialog.close();
    const { secret, ...made } = data;
    onMade?.({ webhook: { ...made, url: masked(made.url) }, secret });
  }

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    busy(save, submit);
  });
  // From anywhere in the form.
  form.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    form.requestSubmit();
  });
}
