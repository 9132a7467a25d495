/** Parses what Graph sends into checked values; every error names the path of what was wrong. Layer: graph. */
import { z } from 'zod';
import { isGuid } from '../domain/ids.ts';
import { type ErrorContext, malformed } from './errors.ts';

/** The value a text stands for; `undefined` when the text is not JSON. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Text that Graph may leave out or send as null. */
export const optionalText = z.string().nullish();

/** `['value', 3, 'id']` as `value[3].id`; the root is `$`. */
export function pathText(path: readonly PropertyKey[]): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else text += text === '' ? String(step) : `.${String(step)}`;
  }
  return text === '' ? '$' : text;
}

/**
 * Checks `value` against `schema`. `at` is where it was found.
 * @throws {GraphError} kind `malformed`, naming the first thing that was wrong; never the value.
 */
export function parseWire<T>(
  schema: z.ZodType<T>,
  value: unknown,
  context: ErrorContext,
  at: readonly PropertyKey[] = [],
): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const expected = issue?.code === 'invalid_type' ? issue.expected : 'another value';
  throw malformed(context, pathText([...at, ...(issue?.path ?? [])]), expected);
}

/** A GUID in lower case. @throws {GraphError} kind `malformed` at the path, which is only made then. */
export function guidAt(value: unknown, context: ErrorContext, path: () => readonly PropertyKey[]): string {
  if (isGuid(value)) return value.toLowerCase();
  throw malformed(context, pathText(path()), 'a GUID');
}

/**
 * An instant in ms since the epoch; 0 when absent or before 1970, which is how Intune writes "never" (`0001-01-01T00:00:00Z`).
 * @throws {GraphError} kind `malformed` at the path when it is text but no date.
 */
export function instantAt(
  value: string | null | undefined,
  context: ErrorContext,
  path: () => readonly PropertyKey[],
): number {
  if (value === null || value === undefined || value === '') return 0;
  const atMs = Date.parse(value);
  if (Number.isNaN(atMs)) throw malformed(context, pathText(path()), 'an ISO 8601 date and time');
  return Math.max(0, atMs);
}

/** One page of a collection, its members unchecked. */
export const collectionSchema = z.looseObject({
  value: z.array(z.unknown()),
  '@odata.nextLink': z.string().optional(),
});
