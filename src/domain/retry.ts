/** Retry decisions: pure functions of what came back and when. One loop elsewhere sleeps. Layer: domain. */

/**
 * What a status means for whoever sent the request. The status alone decides, never the `code` or `message` of the body.
 * `transient`: may go away by itself. `unexpected`: neither success nor error (1xx, 3xx).
 */
export type AnswerClass =
  | 'ok'
  | 'unauthorized'
  | 'forbidden'
  | 'notFound'
  | 'throttled'
  | 'transient'
  | 'refused'
  | 'unexpected';

/** Classifies an HTTP status. */
export function classifyStatus(status: number): AnswerClass {
  if (status >= 200 && status < 300) return 'ok';
  if (status === 401) return 'unauthorized';
  if (status === 403) return 'forbidden';
  if (status === 404 || status === 410) return 'notFound';
  if (status === 408 || status >= 500) return 'transient';
  if (status === 429) return 'throttled';
  if (status >= 400) return 'refused';
  return 'unexpected';
}

/**
 * A status (0: no answer at all) that says nothing of what was asked for and may be another one later. 424: the part of a batch it
 * depended on failed. Source: Graph documentation, "Errors" and "JSON batching" (read 2026-11-22).
 */
export function isPassingStatus(status: number): boolean {
  const meaning = classifyStatus(status);
  return status === 0 || status === 424 || meaning === 'transient' || meaning === 'throttled';
}

/** Chosen: with the backoff below, eight attempts span about half a minute; an outage that outlasts it is for the next invocation. */
export const MAX_ATTEMPTS = 8;

/**
 * A 403 with a valid token is sometimes transient right after a grant or inside Intune.
 * Source: field reports, "lone 403 UnknownError" (read 2026-11-22). Chosen: two more attempts, then it is believed.
 */
export const MAX_FORBIDDEN_ATTEMPTS = 3;

/** Chosen: the first retry comes within half a second, none waits longer than 30 s unless Graph asks for it. */
const FIRST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 30_000;

/** Exponential backoff after the `attempts`-th attempt (from 1): half fixed, half drawn by `random` in [0, 1), in whole ms. */
export function backoffMs(attempts: number, random: number): number {
  const ceiling = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.max(0, attempts - 1));
  return Math.ceil(ceiling / 2 + (ceiling / 2) * random);
}

/** What a decision is made of. */
export interface RetryFacts {
  /** Attempts that ended this way, including the last; from 1. */
  readonly attempts: number;
  readonly maxAttempts: number;
  /** A floor under the delay, never shortened. */
  readonly retryAfterMs: number | undefined;
  readonly nowMs: number;
  readonly deadlineAtMs: number;
  /** In [0, 1). */
  readonly random: number;
}

/** `giveUp.delayMs`: how long it would have waited. */
export type RetryDecision =
  | { readonly kind: 'retry'; readonly delayMs: number }
  | { readonly kind: 'giveUp'; readonly because: 'attempts' | 'deadline'; readonly delayMs: number };

/** Retry after how long, or give up. */
export function decideRetry(facts: RetryFacts): RetryDecision {
  const delayMs = Math.max(facts.retryAfterMs ?? 0, backoffMs(facts.attempts, facts.random));
  if (facts.attempts >= facts.maxAttempts) return { kind: 'giveUp', because: 'attempts', delayMs };
  if (facts.nowMs + delayMs > facts.deadlineAtMs) return { kind: 'giveUp', because: 'deadline', delayMs };
  return { kind: 'retry', delayMs };
}
