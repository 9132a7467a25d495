/** Reads how long a `Retry-After` header asks to wait. A floor: rounded up, never clamped. Pure. Layer: domain. */

/** Chosen: no service means 30,000 years; beyond this, `now + wait` is not a date any more and the value counts as garbage. */
const UNREADABLE_FROM_MS = 1e15;

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
