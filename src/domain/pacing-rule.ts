/** The numbers pacing works with, derived from a budget once. Pure. Layer: domain. */
import type { Budget } from './request-class.ts';

/** Everything scales with the window, so that compressed time paces alike. Durations in ms. */
export interface PacingRule {
  readonly limit: number;
  readonly windowMs: number;
  /** A request is answered, or given up, this long after its start at the latest. */
  readonly requestTimeoutMs: number;
  /** How long a slot stays taken after its answer: the window and a guard for clocks that run at slightly different rates. */
  readonly heldMs: number;
  /** Precision of release times on the row. */
  readonly stepMs: number;
  /** How much two instances may disagree about the storage server's clock: each lets the others' slots rest this much longer. */
  readonly skewMs: number;
  /** How far ahead slots are reserved beyond the lead: the most that on-demand work elsewhere waits for a bulk block to pass. */
  readonly horizonMs: number;
  /** The next block is reserved this long before it is needed, at least. */
  readonly leadMs: number;
  /** How often a waiting instance looks at a row that others use too. */
  readonly pollMs: number;
  /** A want outlives its last renewal by this, while waiting. */
  readonly wantMs: number;
  /** A want outlives its last grant by this: with few requests in flight, more acquisitions follow. */
  readonly wantAfterMs: number;
  /** Reserved slots not started this long after their time lapse. */
  readonly useMs: number;
  /** The same when at least half of the budget is free. */
  readonly roomyUseMs: number;
  /** Eager: least time between two starts in one process. */
  readonly eagerGapMs: number;
}

/** Exact release times fit on the row up to this limit; beyond it they are rounded up to a thousandth of the window. */
const EXACT_LIMIT = 1_000;

/**
 * @param requestTimeoutMs after which the sender gives a request up.
 * @throws {RangeError} when the limit is not a whole number above 0 or a duration is not above 0.
 */
export function pacingRule(budget: Budget, requestTimeoutMs: number): PacingRule {
  const { limit, windowMs } = budget;
  if (!Number.isInteger(limit) || limit < 1)
    throw new RangeError(`limit must be a whole number above 0, got ${String(limit)}`);
  if (!(windowMs > 0)) throw new RangeError(`windowMs must be above 0, got ${String(windowMs)}`);
  if (!(requestTimeoutMs > 0))
    throw new RangeError(`requestTimeoutMs must be above 0, got ${String(requestTimeoutMs)}`);
  return {
    limit,
    windowMs,
    requestTimeoutMs,
    // Chosen: 100 ppm is more than quartz clocks differ by.
    heldMs: windowMs * 1.0001,
    stepMs: limit <= EXACT_LIMIT ? Math.min(1, windowMs / 1_000) : windowMs / 1_000,
    // Chosen: the storage server tells its time in whole seconds.
    skewMs: Math.min(1_000, windowMs / 20),
    // Chosen: blocks of one second of a 20 s window cost 0.1 transactions a request at 200 / 20 s, and hold on-demand work up little.
    horizonMs: windowMs / 20,
    leadMs: windowMs / 80,
    // Chosen: not below 10 ms, so that compressed time does not turn waiting into a storm of reads.
    pollMs: Math.max(windowMs / 20, 10),
    wantMs: 3 * Math.max(windowMs / 20, 10),
    wantAfterMs: windowMs / 10,
    // Chosen: not below 1 s, so that a slow write does not return slots that have lapsed already.
    useMs: Math.max(windowMs / 8, 1_000),
    roomyUseMs: Math.max(windowMs / 4, 1_000),
    // Chosen: 2 ms at 200 / 20 s; large limits get at least eight times their average rate.
    eagerGapMs: Math.min(windowMs / 10_000, windowMs / (8 * limit)),
  };
}

/** The share of the limit that evenly spread starts use. Chosen: below 1 by more than answers' latency takes from the slot log. */
export const SMOOTH_SHARE = 0.985;

/** Smooth: time between two starts at that share of the limit. */
export function smoothIntervalMs(rule: PacingRule, factor: number): number {
  return rule.windowMs / (rule.limit * factor * SMOOTH_SHARE);
}

/** Smooth: how late starts may be caught up with. Chosen: a few ticks, but never more than a fiftieth of the window's worth at once. */
export function catchUpMs(rule: PacingRule, intervalMs: number): number {
  return Math.min(4 * intervalMs, rule.windowMs / 50);
}
