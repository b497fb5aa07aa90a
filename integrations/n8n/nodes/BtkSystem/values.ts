// From what a user has filled in to what the API takes.
//
// It must not know nodes or operations. One rule holds for all: what is empty is not sent.

import { tryToParseDateTime } from 'n8n-workflow';
import type { IDataObject } from 'n8n-workflow';

import { LISTS, MOMENTS } from './fields';

/** The fields that are not empty, in the API's form; `zone` is that of the workflow. */
export function filledIn(fields: IDataObject, zone: string): IDataObject {
  const sent = Object.entries(fields).map(([name, value]) => [name, valueOf(name, value, zone)] as const);
  return Object.fromEntries(sent.filter(([, value]) => !isEmpty(value))) as IDataObject;
}

function valueOf(name: string, value: unknown, zone: string): unknown {
  if (isEmpty(value)) return value;
  if (LISTS.includes(name)) return listOf(value);
  if (name === 'attachments') return attachmentsOf(value as { attachment?: IDataObject[] });
  if (MOMENTS.includes(name)) return momentOf(value, zone);
  return value;
}

/** A list that is written as text with commas, or given as an array by an expression. */
export function listOf(value: unknown): string[] {
  const parts = Array.isArray(value) ? value.map(String) : String(value ?? '').split(',');
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}

function attachmentsOf({ attachment = [] }: { attachment?: IDataObject[] }): IDataObject[] {
  return attachment.map((fields) => {
    const isGiven = ([name, value]: [string, unknown]) => !isEmpty(value) && !(name === 'size' && value === 0);
    return Object.fromEntries(Object.entries(fields).filter(isGiven));
  });
}

/**
 * Only a text that begins like 2026-12-01T09:00 is read, and what an expression gives as a time. A plain date stays one,
 * and 1.12.2026, which could be January, goes as it is: the server's sentence says what is allowed.
 */
function momentOf(value: unknown, zone: string): string {
  const text = String(value);
  if (typeof value !== 'object' && !/^\d{4}-\d\d-\d\d[T ]/.test(text)) return text;
  try {
    return tryToParseDateTime(value, zone).toUTC().toISO() ?? text;
  } catch {
    return text;
  }
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
}
