/** The window types a throttling server may use; Graph documents none, so Keyturn must bear all. Layer: simulator. */
import type { Budget } from '../../domain/request-class.ts';
import { createTimestampQueue } from './timestamp-queue.ts';

/**
 * - `sliding`: at most `limit` calls in any window. `fixed`: in each window from a phase on. Rejected calls count in both.
 * - `bucket`: holds `limit` calls, refilled evenly. `smoothing`: the same, but holds 20 only. Rejected calls take from the bucket too,
 *   down to one bucket's worth of debt.
 */
export type WindowType = 'sliding' | 'fixed' | 'bucket' | 'smoothing';

/** Chosen: what a leaky bucket in front of a service typically lets through at once. */
export const SMOOTHING_BURST = 20;

export interface Admission {
  readonly allowed: boolean;
  /** When not allowed: how long until a call would be, ms. 0 when allowed. */
  readonly waitMs: number;
}

export interface ThrottleWindow {
  /** Counts one call. Instants must not go back. */
  hit(nowMs: number): Admission;
}

const ALLOWED: Admission = { allowed: true, waitMs: 0 };

/** `fixedPhaseMs`: where the windows of `fixed` begin, ms. */
export function createThrottleWindow(type: WindowType, budget: Budget, fixedPhaseMs: number): ThrottleWindow {
  switch (type) {
    case 'sliding':
      return createSlidingWindow(budget);
    case 'fixed':
      return createFixedWindow(budget, fixedPhaseMs);
    case 'bucket':
      return createBucket(budget, budget.limit);
    case 'smoothing':
      return createBucket(budget, Math.min(SMOOTHING_BURST, budget.limit));
  }
}

function createSlidingWindow({ limit, windowMs }: Budget): ThrottleWindow {
  const calls = createTimestampQueue();
  return {
    hit(nowMs) {
      calls.dropUntil(nowMs - windowMs);
      const allowed = calls.size() < limit;
      calls.push(nowMs);
      if (allowed) return ALLOWED;
      return { allowed, waitMs: calls.at(calls.size() - limit) + windowMs - nowMs };
    },
  };
}

function createFixedWindow({ limit, windowMs }: Budget, phaseMs: number): ThrottleWindow {
  let current = Number.NEGATIVE_INFINITY;
  let count = 0;
  return {
    hit(nowMs) {
      const window = Math.floor((nowMs - phaseMs) / windowMs);
      if (window !== current) {
        current = window;
        count = 0;
      }
      count += 1;
      if (count <= limit) return ALLOWED;
      return { allowed: false, waitMs: (window + 1) * windowMs + phaseMs - nowMs };
    },
  };
}

function createBucket({ limit, windowMs }: Budget, capacity: number): ThrottleWindow {
  const perMs = limit / windowMs;
  let tokens = capacity;
  let atMs = Number.NaN;
  return {
    hit(nowMs) {
      if (!Number.isNaN(atMs)) tokens = Math.min(capacity, tokens + (nowMs - atMs) * perMs);
      atMs = nowMs;
      // A thousandth of a call forgives rounding.
      const allowed = tokens >= 1 - 1e-3;
      tokens = Math.max(-capacity, tokens - 1);
      if (allowed) return ALLOWED;
      return { allowed, waitMs: (1 - tokens) / perMs };
    },
  };
}
