// The trigger: starts a workflow when BTK-System sends an event of a task.
//
// It must not know how a webhook is made in BTK-System or how a signature is computed. The id and the
// secret of the webhook live in the node's static data, which n8n keeps apart for test and production.

import { NodeConnectionTypes } from 'n8n-workflow';
import type {
  IDataObject,
  IHookFunctions,
  INodeType,
  INodeTypeDescription,
  IWebhookFunctions,
  IWebhookResponseData,
} from 'n8n-workflow';

import { loadOptions } from './choices';
import { EVENTS, WEBHOOK_FILTERS } from './fields';
import { faultOf } from './signature';
import { isThere, make, takeAway } from './subscription';
import type { Wish } from './subscription';
import { CREDENTIAL, ORIGIN } from './transport';
import { listOf } from './values';

export class BtkSystemTrigger implements INodeType {
  description: INodeTypeDescription = {
    displayName: 'BTK-System Trigger',
    name: 'btkSystemTrigger',
    icon: { light: 'file:../../icons/btk-system.svg', dark: 'file:../../icons/btk-system.dark.svg' },
    group: ['trigger'],
    version: 1,
    subtitle: '={{ $parameter["events"].join(", ") }}',
    description: 'Starts the workflow when a task changes in BTK-System',
    defaults: { name: 'BTK-System Trigger' },
    inputs: [],
    outputs: [NodeConnectionTypes.Main],
    credentials: [{ name: CREDENTIAL, required: true }],
    webhooks: [{ name: 'default', httpMethod: 'POST', responseMode: 'onReceived', path: 'webhook' }],
    properties: [
      {
        displayName: 'Events',
        name: 'events',
        type: 'multiOptions',
        required: true,
        options: EVENTS,
        default: ['task_created', 'task_status_changed', 'task_updated', 'task_deleted'],
        description: 'Which events start the workflow',
      },
      {
        displayName: 'Ignore Own Changes',
        name: 'ignoreOwnChanges',
        type: 'boolean',
        default: true,
        description: 'Whether to leave out what BTK-System nodes of n8n changed, so that no workflow starts itself',
      },
      {
        displayName: 'Filters',
        name: 'filters',
        type: 'collection',
        placeholder: 'Add Filter',
        default: {},
        description: 'Only tasks that fit every filter added here; of a filter with several values one must fit',
        options: WEBHOOK_FILTERS,
      },
    ],
  };

  methods = { loadOptions };

  webhookMethods = {
    default: {
      /** A webhook whose secret is not known here counts as not there: `create` keeps it and gives it a new one. */
      async checkExists(this: IHookFunctions): Promise<boolean> {
        const { webhookId, webhookSecret } = this.getWorkflowStaticData('node');
        if (typeof webhookId !== 'string' || typeof webhookSecret !== 'string') return false;
        return await isThere.call(this, wishOf(this), webhookId);
      },

      async create(this: IHookFunctions): Promise<boolean> {
        const kept = this.getWorkflowStaticData('node');
        const known = typeof kept.webhookSecret === 'string' ? kept.webhookSecret : undefined;
        const { id, secret } = await make.call(this, wishOf(this), known);
        Object.assign(kept, { webhookId: id, webhookSecret: secret });
        return true;
      },

      async delete(this: IHookFunctions): Promise<boolean> {
        await takeAway.call(this, wishOf(this).url);
        const kept = this.getWorkflowStaticData('node');
        delete kept.webhookId;
        delete kept.webhookSecret;
        return true;
      },
    },
  };

  async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
    const { webhookSecret } = this.getWorkflowStaticData('node');
    if (typeof webhookSecret !== 'string') {
      // n8n keeps the static data only after the webhook is made; an event may be faster. BTK-System repeats on 503.
      return refuse(this, 503, 'The secret of this webhook is not known to n8n yet; if this stays, activate again');
    }
    const { rawBody = Buffer.alloc(0) } = this.getRequestObject() as unknown as { rawBody?: Buffer };
    const fault = faultOf(webhookSecret, this.getHeaderData(), rawBody, Math.floor(Date.now() / 1000));
    if (fault) return refuse(this, 401, fault);
    return { workflowData: [[{ json: this.getBodyData() }]] };
  }
}

function refuse(context: IWebhookFunctions, status: number, error: string): IWebhookResponseData {
  context.getResponseObject().status(status).json({ error });
  return { noWebhookResponse: true };
}

function wishOf(context: IHookFunctions): Wish {
  const filters = context.getNodeParameter('filters', {}) as IDataObject;
  return {
    url: context.getNodeWebhookUrl('default') as string,
    events: context.getNodeParameter('events') as string[],
    filter: Object.fromEntries(Object.entries(filters).map(([list, value]) => [list, listOf(value)])),
    ignoreOrigin: context.getNodeParameter('ignoreOwnChanges') ? [ORIGIN] : [],
    payload: 'full',
    profile: 'n8n',
    source: 'n8n',
    description: `n8n: ${context.getWorkflow().name ?? ''}`.slice(0, 500),
  };
}
