// The action node: creates, reads, changes and deletes tasks.
//
// It must not know what an operation asks of the server; it runs one for each item and pairs what comes of it.

import { NodeApiError, NodeConnectionTypes, NodeOperationError } from 'n8n-workflow';
import type {
  IExecuteFunctions,
  INodeExecutionData,
  INodeType,
  INodeTypeDescription,
  JsonObject,
} from 'n8n-workflow';

import { loadOptions } from './choices';
import { taskProperties } from './task/description';
import { operations } from './task/operations';
import { CREDENTIAL } from './transport';

export class BtkSystem implements INodeType {
  description: INodeTypeDescription = {
    displayName: 'BTK-System',
    name: 'btkSystem',
    icon: { light: 'file:../../icons/btk-system.svg', dark: 'file:../../icons/btk-system.dark.svg' },
    group: ['transform'],
    version: 1,
    subtitle: '={{ $parameter["operation"] + ": " + $parameter["resource"] }}',
    description: 'Create, read, change and delete tasks in BTK-System',
    defaults: { name: 'BTK-System' },
    inputs: [NodeConnectionTypes.Main],
    outputs: [NodeConnectionTypes.Main],
    credentials: [{ name: CREDENTIAL, required: true }],
    properties: [
      {
        displayName: 'Resource',
        name: 'resource',
        type: 'options',
        noDataExpression: true,
        options: [{ name: 'Task', value: 'task' }],
        default: 'task',
      },
      ...taskProperties,
    ],
    usableAsTool: true,
  };

  methods = { loadOptions };

  async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
    const out: INodeExecutionData[] = [];
    for (let itemIndex = 0; itemIndex < this.getInputData().length; itemIndex++) {
      try {
        const name = this.getNodeParameter('operation', itemIndex) as string;
        const operation = operations[name];
        if (!operation) throw new NodeOperationError(this.getNode(), `There is no operation "${name}"`, { itemIndex });
        const results = await operation.call(this, itemIndex);
        out.push(...results.map((json) => ({ json, pairedItem: { item: itemIndex } })));
      } catch (error) {
        if (!this.continueOnFail()) {
          if (error instanceof NodeApiError) throw new NodeApiError(this.getNode(), error as unknown as JsonObject);
          throw new NodeOperationError(this.getNode(), error as Error, { itemIndex });
        }
        out.push({ json: { error: (error as Error).message }, pairedItem: { item: itemIndex } });
      }
    }
    return [out];
  }
}
