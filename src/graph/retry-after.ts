/** Reads how long Graph asks to wait, in every form it uses. A floor: rounded up, never clamped. Layer: graph. */

/** Chosen: no service means 30,000 years; beyond this, `now + wait` is not a date any more and the value counts as garbage. */
const UNREADABLE_FROM_MS = 1e15;

/** Intune nests its JSON at most twice; Chosen: four levels, so that a third costs nothing and a hostile body ends. */
const DEEPEST_NESTING = 4;

const DECIMAL = /^\d+(\.\d+)?$/;
/** RFC 9110 dates (IMF-fixdate, and the obsolete forms, which all begin with a day name) and ISO 8601 with a zone. */
const HTTP_DATE = /^(Mon|Tues?|Wed(nes)?|Thu(rs)?|Fri|Sat(ur)?|Sun)(day)?,? /i;
const ISO_DATE = /^\d{4}-\d{2}-\d{2}T[\d:.]+(Z|[+-]\d{2}:\d{2})$/;

/** An HTTP date in ms since the epoch, or `undefined` when it is not one. */
export function parseHttpDate(value: string | undefined): number | undefined {
  if (value === undefined || !HTTP_DATE.test(value)) return undefined;
  const atMs = Date.parse(value);
  return Number.isNaN(atMs) ? undefined : atMs;
}

/**
 * One `Retry-After` value in ms, rounded up: seconds (`120`, `2.128`, as text or number) or a date, counted from `serverNowMs`.
 * `undefined` when it says nothing usable: absent, negative, past, garbage.
 * Source: RFC 9110 section 10.2.3; fractions observed from Intune (read 2026-11-22).
 */
export function parseRetryAfter(value: unknown, serverNowMs: number): number | undefined {
  const text = typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : '';
  const ms = DECIMAL.test(text) ? Math.ceil(Number(text) * 1000) : dateDelayMs(text, serverNowMs);
  return ms !== undefined && ms >= 0 && ms < UNREADABLE_FROM_MS ? ms : undefined;
}

function dateDelayMs(text: string, serverNowMs: number): number | undefined {
  const atMs = ISO_DATE.test(text) ? Date.parse(text) : parseHttpDate(text);
  return atMs === undefined || Number.isNaN(atMs) ? undefined : Math.ceil(atMs - serverNowMs);
}

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
