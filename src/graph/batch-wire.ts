/** The JSON `$batch` envelope: building it, reading its parts. Layer: graph. */
import { z } from 'zod';
import type { JsonAnswer } from './client.ts';
import type { ErrorContext } from './errors.ts';
import { retryAfterMsOf } from './retry-after.ts';
import { parseWire } from './wire.ts';

/** Source: Graph documentation, "Combine multiple requests in one HTTP call using JSON batching" (read 2026-11-22). */
export const PARTS_PER_BATCH = 20;

/** The status some pages name for a batch with failed parts; its body is read like that of a 200. */
export const BATCH_PARTLY_FAILED = 424;

/** One part of an answer. */
export interface PartAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly retryAfterMs: number | undefined;
  /** Where its body is, for errors. */
  readonly at: readonly PropertyKey[];
}

const answerSchema = z.looseObject({
  responses: z.array(
    z.looseObject({
      id: z.string(),
      status: z.int(),
      headers: z.record(z.string(), z.unknown()).nullish(),
      body: z.unknown().optional(),
    }),
  ),
});

/** The body of a batch of GETs; the part of `paths[i]` gets the id `i + 1`. `paths` are relative to the version and start with a slash. */
export function batchBody(paths: readonly string[], userAgent: string): string {
  return JSON.stringify({
    // recoveryKeys refuses requests without a User-Agent, and a part has headers of its own.
    requests: paths.map((url, i) => ({
      id: String(i + 1),
      method: 'GET',
      url,
      headers: { Accept: 'application/json', 'User-Agent': userAgent },
    })),
  });
}

/**
 * The parts of an answer by position, in whatever order they came; a hole where Graph left one out.
 * @throws {GraphError} kind `malformed`.
 */
export function parseBatch(
  { answer, json }: JsonAnswer,
  size: number,
  nowMs: number,
  context: ErrorContext,
): readonly (PartAnswer | undefined)[] {
  const parts = new Array<PartAnswer | undefined>(size).fill(undefined);
  const { responses } = parseWire(answerSchema, json, context);
  for (const [i, { id, status, headers, body }] of responses.entries()) {
    const position = Number(id) - 1;
    if (!(position in parts)) continue;
    const byName = new Map<string, string>();
    for (const [name, value] of Object.entries(headers ?? {})) byName.set(name.toLowerCase(), String(value));
    const header = (name: string) => byName.get(name) ?? (name === 'date' ? answer.date : undefined);
    const retryAfterMs = status >= 400 ? retryAfterMsOf({ header, body, nowMs }) : undefined;
    parts[position] = { status, body, retryAfterMs, at: ['responses', i, 'body'] };
  }
  return parts;
}
