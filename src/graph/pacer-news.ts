/** Pauses and paces of one class: what this process has learned of them from the row, and what it has yet to tell. Layer: graph adapter. */
import type { BudgetState } from '../domain/budget-state.ts';
import { type PacingRule, smoothIntervalMs } from '../domain/pacing-rule.ts';
import { factorAt, paceForRun, pauseMs, type ThrottleEvent, throttle } from '../domain/pacing-throttle.ts';

/** Instants in our clock unless said otherwise; `toServerMs` takes them to the storage server's. */
export interface PacerNews {
  /** Nothing starts before this. */
  pausedUntilMs(): number;
  /** Least time between two starts in this process. */
  gapMs(): number;
  /** Takes note of a row. True when it brought a pause that is new to us and not over. */
  learn(state: BudgetState, nowMs: number, toServerMs: number): boolean;
  /** Takes note of a 429 of our own. */
  throttled(event: ThrottleEvent, nowMs: number): void;
  /** There are 429s the row does not know of yet. */
  hasThrottles(): boolean;
  beginRun(runId: string): void;
  /** The row with our news. */
  applyTo(stored: BudgetState, toServerMs: number): BudgetState;
  /** To be called once a row with what `applyTo` knows now is stored: until then the news are kept. */
  told(): () => void;
}

export function createPacerNews(rule: PacingRule, firstRunId: string | undefined): PacerNews {
  let pausedUntilMs = 0;
  let seenPauseMs = 0;
  let gapMs = rule.eagerGapMs;
  let events: { readonly atMs: number; readonly event: ThrottleEvent }[] = [];
  let newRunId = firstRunId;

  return {
    pausedUntilMs: () => pausedUntilMs,
    gapMs: () => gapMs,
    learn(state, nowMs, toServerMs) {
      const smooth = state.pace === 'smooth';
      // Late starts are caught up with at twice the rate, no faster.
      gapMs = smooth ? smoothIntervalMs(rule, factorAt(state, rule, nowMs + toServerMs)) / 2 : rule.eagerGapMs;
      if (state.pausedUntilMs <= seenPauseMs) return false;
      seenPauseMs = state.pausedUntilMs;
      pausedUntilMs = Math.max(pausedUntilMs, seenPauseMs - toServerMs);
      return pausedUntilMs > nowMs;
    },
    throttled(event, nowMs) {
      pausedUntilMs = Math.max(pausedUntilMs, nowMs + pauseMs(event.retryAfterMs, rule));
      events.push({ atMs: nowMs, event });
    },
    hasThrottles: () => events.length > 0,
    beginRun(runId) {
      newRunId = runId;
    },
    applyTo(stored, toServerMs) {
      let state = newRunId === undefined ? stored : paceForRun(stored, newRunId);
      for (const { atMs, event } of events) {
        const sentAtMs = event.sentAtMs === undefined ? undefined : event.sentAtMs + toServerMs;
        state = throttle(state, { ...event, sentAtMs }, rule, atMs + toServerMs);
      }
      return state;
    },
    told() {
      const { length } = events;
      const runId = newRunId;
      return () => {
        events = events.slice(length);
        if (newRunId === runId) newRunId = undefined;
      };
    },
  };
}
