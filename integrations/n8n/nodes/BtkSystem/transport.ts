// One request to BTK-System, and its refusal as an error that a person can act on.
//
// It must not know tasks or webhooks: it gets a path and gives the answer.

import { NodeApiError, NodeOperationError } from 'n8n-workflow';
import type {
  IDataObject,
  IExecuteFunctions,
  IHookFunctions,
  IHttpRequestMethods,
  ILoadOptionsFunctions,
  IN8nHttpFullResponse,
  INode,
  JsonObject,
} from 'n8n-workflow';

/** Marks our writes, so that the trigger can leave out what n8n itself has changed. */
export const ORIGIN = 'n8n';

export const CREDENTIAL = 'btkSystemApi';

type Context = IExecuteFunctions | IHookFunctions | ILoadOptionsFunctions;

export interface Question {
  method: IHttpRequestMethods;
  path: string;
  query?: IDataObject;
  body?: IDataObject;
  headers?: Record<string, string>;
  /** Whether an answer is what was asked for: another program may stand at the address. */
  looksRight?: (body: unknown) => boolean;
  /** Which input item asks, for n8n to show beside an error. */
  itemIndex?: number;
}

export interface Answer {
  headers: IDataObject;
  body: unknown;
}

export async function ask(this: Context, question: Question): Promise<Answer> {
  const { method, path, query, body, headers = {}, looksRight = () => true, itemIndex } = question;
  const { address } = await this.getCredentials<{ address: string }>(CREDENTIAL);
  let answer: IN8nHttpFullResponse;
  try {
    answer = await this.helpers.httpRequestWithAuthentication.call(this, CREDENTIAL, {
      method,
      url: address.trim().replace(/\/+$/, '') + path,
      qs: query,
      body,
      headers: { ...headers, ...(method === 'GET' ? {} : { 'X-BTK-Origin': ORIGIN }) },
      json: true,
      returnFullResponse: true,
      ignoreHttpStatusErrors: true,
      // A redirected write would arrive as a read, and n8n would hand the token to whoever stands there.
      disableFollowRedirect: true,
      sendCredentialsOnCrossOriginRedirect: false,
    });
  } catch (error) {
    throw new NodeApiError(this.getNode(), error as JsonObject, { itemIndex });
  }
  if (answer.statusCode < 200 || answer.statusCode > 299) throw refusal(this.getNode(), answer, itemIndex);
  const isObject = typeof answer.body === 'object' && answer.body !== null;
  if (answer.statusCode !== 204 && !(isObject && looksRight(answer.body))) {
    throw new NodeOperationError(this.getNode(), 'This is not the answer of a BTK-System server', {
      description: 'Check the address in the credentials: it is the one under which you open the pages of BTK-System.',
      itemIndex,
    });
  }
  return { headers: answer.headers as IDataObject, body: answer.body };
}

/** The server's own sentence; where something else answered in its place, the bare status. */
function refusal(node: INode, answer: IN8nHttpFullResponse, itemIndex?: number): NodeApiError {
  const told = (typeof answer.body === 'object' && answer.body !== null ? answer.body : {}) as IDataObject;
  const status = String(answer.statusCode);
  const wait = answer.headers['retry-after'];
  const leadsTo = answer.headers.location;
  const description = [
    `BTK-System answered ${status}${told.code ? ` (${String(told.code)})` : ''}.`,
    leadsTo ? `It leads to ${String(leadsTo)}: if that is your server, put its address into the credentials.` : '',
    wait ? `Try again in ${String(wait)} s.` : '',
    told.requestId ? `In its log: ${String(told.requestId)}.` : '',
  ];
  return new NodeApiError(node, told as JsonObject, {
    message: typeof told.error === 'string' ? told.error : `The address in the credentials answered ${status}`,
    description: description.filter(Boolean).join(' '),
    httpCode: status,
    itemIndex,
  });
}
