/** Finds how long Graph asks to wait, wherever it says so. A floor: the longest counts, and none is clamped. Layer: graph. */
import { parseHttpDate, parseRetryAfter } from '../domain/retry-after.ts';

/** Intune nests its JSON at most twice; Chosen: four levels, so that a third costs nothing and a hostile body ends. */
const DEEPEST_NESTING = 4;

/** The parts of an answer that may hold a wait. */
export interface RetryAfterSources {
  /** Looks a header up by its lower-case name. */
  readonly header: (name: string) => string | undefined;
  /** The error body, parsed or as text. */
  readonly body: unknown;
  /** Our clock: stands in for the answer's own `Date` when that is absent. */
  readonly nowMs: number;
}

/**
 * The longest wait an answer asks for, in ms, or `undefined` when it asks for none. Dates count from the answer's own `Date`.
 * Looks at `Retry-After` and at `RetryAfter` inside the JSON that Intune puts, sometimes twice, into `error.message`.
 */
export function retryAfterMsOf(sources: RetryAfterSources): number | undefined {
  const serverNowMs = parseHttpDate(sources.header('date')) ?? sources.nowMs;
  const waits = [
    parseRetryAfter(sources.header('retry-after'), serverNowMs),
    ...hiddenValues(sources.body, 0).map((value) => parseRetryAfter(value, serverNowMs)),
  ].filter((ms) => ms !== undefined);
  return waits.length === 0 ? undefined : Math.max(...waits);
}

/** Values of `RetryAfter` members in `body`, following objects and strings that hold JSON. */
function hiddenValues(body: unknown, depth: number): readonly unknown[] {
  if (depth > DEEPEST_NESTING * 2) return [];
  if (typeof body === 'string') return hiddenValues(jsonWithin(body), depth + 1);
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return [];
  return Object.entries(body).flatMap(([name, value]) => {
    const key = name.toLowerCase();
    if (key === 'retryafter' || key === 'retry-after') return [value];
    return key === 'error' || key === 'message' ? hiddenValues(value, depth + 1) : [];
  });
}

/** The JSON object in `text`, which may stand behind a word or two; `undefined` when there is none. */
function jsonWithin(text: string): unknown {
  const start = text.indexOf('{');
  const end = text.lastIndexOf('}');
  if (start === -1 || end < start) return undefined;
  try {
    return JSON.parse(text.slice(start, end + 1));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
