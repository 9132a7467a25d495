/** Requests over time against the rate that the budget allows, pauses cut out. Pure. Layer: domain. */
import type { Budget } from '../request-class.ts';

/** Chosen: a bar each on a phone. */
const MOST_BARS = 60;
/** Chosen: sending stopped when nothing was sent for so many windows (five minutes of the default); a 429 pauses for one or two. */
const PAUSE_WINDOWS = 15;
/** Graph tells when it answered in whole seconds. Source: RFC 9110, section 5.6.7 (read 2026-11-22). */
const LEAST_BAR_MS = 1_000;

/** One bar: requests answered from `fromMs` on, for the length of a bar. */
export interface RateBar {
  readonly fromMs: number;
  readonly requests: number;
}

/** Nothing was sent in between. */
export interface SendingPause {
  readonly fromMs: number;
  readonly untilMs: number;
  /** Number of bars before it. */
  readonly afterBars: number;
}

export interface RequestRate {
  readonly requests: number;
  readonly barMs: number;
  /** Requests that a bar may hold. */
  readonly allowedPerBar: number;
  readonly bars: readonly RateBar[];
  readonly pauses: readonly SendingPause[];
  /** Share of the allowed rate used while sending, 0 to 1 or a little more. */
  readonly utilisation: number;
}

/** Counts requests by the second in which they were answered. */
export interface RequestCount {
  add(atMs: number): void;
  /** `undefined` when nothing was sent. */
  rate(budget: Budget): RequestRate | undefined;
}

export function countRequests(): RequestCount {
  const seconds = new Map<number, number>();
  let requests = 0;

  return {
    add(atMs) {
      const second = Math.floor(atMs / 1_000);
      seconds.set(second, (seconds.get(second) ?? 0) + 1);
      requests += 1;
    },
    rate(budget) {
      const times = [...seconds].sort(([a], [b]) => a - b).map(([second, n]) => [second * 1_000, n] as const);
      const stretches = stretchesOf(times, Math.max(PAUSE_WINDOWS * budget.windowMs, LEAST_BAR_MS * 2));
      const sendingMs = stretches.reduce((sum, { fromMs, untilMs }) => sum + untilMs - fromMs, 0);
      if (sendingMs === 0) return undefined;
      const barMs = barLength(sendingMs, budget.windowMs, stretches.length);
      const bars: RateBar[] = [];
      const pauses: SendingPause[] = [];
      for (const [i, stretch] of stretches.entries()) {
        const before = stretches[i - 1];
        if (before !== undefined)
          pauses.push({ fromMs: before.untilMs, untilMs: stretch.fromMs, afterBars: bars.length });
        bars.push(...barsOf(stretch, barMs));
      }
      const perMs = budget.limit / budget.windowMs;
      return {
        requests,
        barMs,
        allowedPerBar: perMs * barMs,
        bars,
        pauses,
        // The slots of the first burst are free at once: a stretch may hold one window more than its length says.
        utilisation:
          requests / stretches.reduce((sum, s) => sum + perMs * Math.max(s.untilMs - s.fromMs, budget.windowMs), 0),
      };
    },
  };
}

interface Stretch {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly times: readonly (readonly [atMs: number, n: number])[];
}

function stretchesOf(times: readonly (readonly [number, number])[], pauseMs: number): readonly Stretch[] {
  const stretches: (readonly (readonly [number, number])[])[] = [];
  let current: (readonly [number, number])[] = [];
  for (const time of times) {
    const last = current.at(-1);
    if (last !== undefined && time[0] - last[0] > pauseMs) {
      stretches.push(current);
      current = [];
    }
    current.push(time);
  }
  if (current.length > 0) stretches.push(current);
  return stretches.map((part) => ({
    fromMs: part[0]?.[0] ?? 0,
    untilMs: (part.at(-1)?.[0] ?? 0) + 1_000,
    times: part,
  }));
}

/** Whole windows, unless those are shorter than a second; every stretch rounds up to whole bars. */
function barLength(sendingMs: number, windowMs: number, stretches: number): number {
  const unitMs = Math.max(LEAST_BAR_MS, windowMs);
  const bars = Math.max(1, MOST_BARS - stretches);
  return Math.max(1, Math.ceil(sendingMs / unitMs / bars)) * unitMs;
}

function barsOf({ fromMs, untilMs, times }: Stretch, barMs: number): readonly RateBar[] {
  const counts = new Array<number>(Math.ceil((untilMs - fromMs) / barMs)).fill(0);
  for (const [atMs, n] of times) {
    const bar = Math.floor((atMs - fromMs) / barMs);
    counts[bar] = (counts[bar] ?? 0) + n;
  }
  return counts.map((requests, i) => ({ fromMs: fromMs + i * barMs, requests }));
}
