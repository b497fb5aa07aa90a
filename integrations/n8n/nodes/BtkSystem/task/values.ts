// From what a user has filled in to what the API takes.
//
// It must not know operations. One rule holds for all: what is empty is not sent.

import { tryToParseDateTime } from 'n8n-workflow';
import type { IDataObject } from 'n8n-workflow';

import { listOf } from '../lists';

const MOMENTS = ['dueDate', 'dueAfter', 'dueBefore', 'updatedSince'];

/** The fields that are not empty, in the API's form; `zone` is that of the workflow. */
export function filledIn(fields: IDataObject, zone: string): IDataObject {
  const sent = Object.entries(fields).map(([name, value]) => [name, valueOf(name, value, zone)] as const);
  return Object.fromEntries(sent.filter(([, value]) => !isEmpty(value))) as IDataObject;
}

function valueOf(name: string, value: unknown, zone: string): unknown {
  if (isEmpty(value)) return value;
  if (name === 'tags') return listOf(value);
  if (name === 'attachments') return attachmentsOf(value as { attachment?: IDataObject[] });
  if (MOMENTS.includes(name)) return momentOf(value, zone);
  return value;
}

function attachmentsOf({ attachment = [] }: { attachment?: IDataObject[] }): IDataObject[] {
  return attachment.map((fields) => {
    const filled = Object.entries(fields).filter(([name, value]) => !isEmpty(value) && !(name === 'size' && value === 0));
    return Object.fromEntries(filled);
  });
}

/** A plain date stays one, and what is no time goes as it is: the server's sentence says what is allowed. */
function momentOf(value: unknown, zone: string): string {
  const text = String(value);
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) return text;
  try {
    return tryToParseDateTime(value, zone).toUTC().toISO() ?? text;
  } catch {
    return text;
  }
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
}
