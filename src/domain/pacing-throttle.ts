/** What a 429 does to a budget, and how the budget recovers. Pure. Layer: domain. */
import type { BudgetState, LoweredShare, ThrottlePause } from './budget-state.ts';
import type { PacingRule } from './pacing-rule.ts';

/** Chosen: gentler than CUBIC's 0.7 (RFC 9438, section 4.6), since each cut comes with a pause of up to a window. */
const CUT = 0.85;
/** Chosen: one request in twenty still goes out, so that recovery is noticed. */
const LEAST_FACTOR = 0.05;
/**
 * Windows from the end of a pause until the share is back at the ceiling.
 * Chosen: steep at first, flat around the ceiling, so that with other apps taking half of the limit 429s stay well below 1 % of
 * requests and more than 80 % of what is left is used; see test/graph/pacer-foreign.test.ts.
 */
const RECOVERY_WINDOWS = 12;
/** Chosen: a 429 below the last ceiling means that less is left than before; the next plateau is set a little below it. */
const CEILING_BELOW = 0.97;

/**
 * So many pauses are remembered on the row. Chosen: runs take them over with every block they send, and each pause but the last has been
 * followed by requests; fifty are 8 KB of a row that is written about once a second.
 */
const MOST_PAUSES = 50;

/** No pause is written longer than a date can be: the end of the year 9999. */
const LAST_INSTANT_MS = 253_402_300_799_000;

/** A 429, as pacing sees it. */
export interface ThrottleEvent {
  /** The service's floor; absent when it named none. */
  readonly retryAfterMs: number | undefined;
  /** When the request left; absent when unknown. */
  readonly sentAtMs: number | undefined;
  /** The run in progress, when there is one. */
  readonly runId: string | undefined;
}

/** How long the class pauses: what the service asked for, one window when it named nothing, never less than it asked for. */
export function pauseMs(retryAfterMs: number | undefined, rule: PacingRule): number {
  return retryAfterMs === undefined ? rule.windowMs : Math.max(0, retryAfterMs);
}

/**
 * Pauses the class for everyone. The first 429 makes an eager pace smooth; one while smooth cuts the share of the limit in use.
 * 429s of requests sent before a pause ended (other instances learn of it late) are one event: they only make the pause longer.
 * The pause on the row is longer by the clocks' allowance, so that nobody ends it early.
 */
export function throttle(state: BudgetState, event: ThrottleEvent, rule: PacingRule, nowMs: number): BudgetState {
  const untilMs = Math.ceil(nowMs + pauseMs(event.retryAfterMs, rule) + rule.skewMs);
  const pausedUntilMs = Math.max(state.pausedUntilMs, Math.min(untilMs, LAST_INSTANT_MS));
  const sentAtMs = event.sentAtMs ?? nowMs;
  if (sentAtMs < state.pausedUntilMs || sentAtMs <= state.throttledAtMs) {
    const longer = {
      ...state,
      pausedUntilMs,
      factorAtMs: state.factorAtMs === 0 ? 0 : Math.max(state.factorAtMs, pausedUntilMs),
    };
    return remember(longer, state.pauses?.at(-1), nowMs);
  }
  const paused = { ...state, pausedUntilMs, throttledAtMs: nowMs };
  if (state.pace === 'eager') {
    const { smoothRunId: _, ...rest } = paused;
    const smooth = {
      ...rest,
      pace: 'smooth' as const,
      ...(event.runId === undefined ? {} : { smoothRunId: event.runId }),
    };
    return remember(smooth, undefined, nowMs);
  }
  const failed = factorAt(state, rule, nowMs);
  const cut = {
    ...paused,
    factor: Math.max(LEAST_FACTOR, failed * CUT),
    factorAtMs: pausedUntilMs,
    ceiling: failed < state.ceiling ? failed * CEILING_BELOW : failed,
  };
  return remember(cut, undefined, nowMs);
}

/** `state`, after the 429, with its pause: `last` made longer when the 429 was of its flight, else a new one. */
function remember(state: BudgetState, last: ThrottlePause | undefined, nowMs: number): BudgetState {
  const { factor, factorAtMs, ceiling, pauses = [] } = state;
  const pause: ThrottlePause = {
    fromMs: last?.fromMs ?? Math.floor(nowMs),
    untilMs: state.pausedUntilMs,
    throttled: (last?.throttled ?? 0) + 1,
    ...(factor < 1 ? { lowered: { factor, factorAtMs, ceiling } } : {}),
  };
  const before = last === undefined ? pauses : pauses.slice(0, -1);
  return { ...state, pauses: [...before, pause].slice(-MOST_PAUSES) };
}

/**
 * Share of the limit in use: a cubic from the cut, steep at first, flat around the ceiling, then growing again, up to 1.
 * Time alone raises it: a budget left alone comes back.
 */
export function factorAt(
  { factor, factorAtMs, ceiling }: LoweredShare,
  { windowMs }: Pick<PacingRule, 'windowMs'>,
  nowMs: number,
): number {
  const windows = (nowMs - factorAtMs) / windowMs;
  if (factor >= 1 || windows <= 0) return factor;
  const toCeiling = 1 - windows / RECOVERY_WINDOWS;
  return Math.min(1, Math.max(factor, ceiling - Math.max(ceiling - factor, LEAST_FACTOR / 4) * toCeiling ** 3));
}

/** Slots in use at a time, at least 1. */
export function capacityAt(state: BudgetState, rule: PacingRule, nowMs: number): number {
  return Math.max(1, Math.floor(rule.limit * factorAt(state, rule, nowMs) + 1e-9));
}

/** A scheduled run starts to rotate: eager again, unless it was this very run that had to become smooth. The share in use stays. */
export function paceForRun(state: BudgetState, runId: string): BudgetState {
  if (state.pace === 'eager' || state.smoothRunId === runId) return state;
  const { smoothRunId: _, ...rest } = state;
  return { ...rest, pace: 'eager' };
}
