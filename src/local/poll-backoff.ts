/** How long to wait before an empty queue is polled again: the Functions host's randomised exponential back-off. Layer: local. */
import type { Random } from '../domain/ports.ts';

/** Source: azure-webjobs-sdk `QueuePollingIntervals` (read 2026-11-22). */
const MINIMUM_MS = 100;
/** Source: azure-webjobs-sdk `RandomizedExponentialBackoffStrategy` (read 2026-11-22). */
const RANDOMIZATION = 0.2;

/** What the next delay is computed from; start with `IDLE`. */
export interface Backoff {
  readonly delayMs: number;
  /** Empty polls in a row, as long as the delay still grows. */
  readonly emptyPolls: number;
}

export const IDLE: Backoff = { delayMs: 0, emptyPolls: 0 };

/**
 * The wait after a poll. After messages: the minimum (100 ms, or the maximum when that is smaller).
 * After an empty poll: the minimum plus a step that doubles each time, up to `maxMs`, where it stays.
 */
export function nextBackoff(before: Backoff, found: boolean, maxMs: number, random: Random): Backoff {
  const minMs = Math.min(MINIMUM_MS, maxMs);
  if (found) return { delayMs: minMs, emptyPolls: 1 };
  if (before.delayMs === maxMs) return before;
  const factor = 1 - RANDOMIZATION + 2 * RANDOMIZATION * random.next();
  const stepMs = before.emptyPolls === 0 ? 0 : factor * 2 ** (before.emptyPolls - 1) * minMs;
  const delayMs = minMs + stepMs;
  return delayMs < maxMs ? { delayMs, emptyPolls: before.emptyPolls + 1 } : { ...before, delayMs: maxMs };
}
