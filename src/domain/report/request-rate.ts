/** Requests over time against the rate that the budgets allow, with 429s and the pauses they caused. Pure. Layer: domain. */
import {
  type PausingBudgets,
  type RunPause,
  type RunThrottling,
  sendingBudget,
  throttledOf,
} from '../run-throttling.ts';
import { activeSeconds, barLength, type Stretch, stretchesOf } from './sending-time.ts';
import { type AllowedRate, allowedRate, pausedSpans, type Span } from './throttled-time.ts';

/** One bar: from `fromMs` on, for the length of a bar. */
export interface RateBar {
  readonly fromMs: number;
  /** Answered. */
  readonly requests: number;
  /** Requests that the budget allowed, lowered after a 429; what a pause took of it is not taken off. */
  readonly allowed: number;
  /** Answers with 429, at the beginning of the pause they are part of. */
  readonly throttled: number;
  readonly pausedMs: number;
}

/** Nothing was sent in between, for long. */
export interface SendingBreak extends Span {
  /** Number of bars before it. */
  readonly afterBars: number;
  /** Most of it, a 429 had asked for. */
  readonly isPause: boolean;
}

/** 429s and pauses, as far as they are shown, and their sums. */
export interface RateThrottling {
  readonly throttled: number;
  readonly pauses: number;
  /** While the run was sending, overlaps counted once. */
  readonly pausedMs: number;
  /** The lowest share of its budget that the run was allowed, as sampled; 1: never lowered. */
  readonly lowestShare: number;
  /** Pauses that came with requests other than rotation requests. */
  readonly othersPauses: number;
  /** Pauses in `bars`, measured in bars from the left. */
  readonly bands: readonly { readonly fromBar: number; readonly toBar: number }[];
  /** Within the sums and not drawn: only their numbers were kept. */
  readonly earlier?: { readonly pauses: number; readonly throttled: number };
}

export interface RequestRate {
  readonly requests: number;
  readonly barMs: number;
  /** Requests that a bar may hold, when nothing was throttled. */
  readonly allowedPerBar: number;
  readonly bars: readonly RateBar[];
  readonly breaks: readonly SendingBreak[];
  /** Share of the whole budget used while sending, 0 to 1 or a little more. */
  readonly utilisation: number;
  /** Absent: nobody kept a record. */
  readonly throttling?: RateThrottling;
}

/** Counts requests by the second in which they were answered. */
export interface RequestCount {
  add(atMs: number): void;
  /** `undefined` when nothing was sent. */
  rate(budgets: PausingBudgets, throttling: RunThrottling | undefined): RequestRate | undefined;
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
    rate(budgets, throttling) {
      const { limit, windowMs } = sendingBudget(budgets);
      const pauses = throttling?.pauses ?? [];
      const stretches = stretchesOf(activeSeconds(seconds, pauses, windowMs), windowMs);
      if (stretches.length === 0) return undefined;
      const barMs = barLength(stretches, windowMs);
      const paused = pausedSpans(pauses);
      const rateAt = allowedRate(budgets, pauses);
      const perMs = limit / windowMs;
      const drawn = stretches.map((stretch) => barsOf(stretch, barMs, pauses, paused, rateAt));
      const bars = drawn.flat();
      const sending = stretches.filter(({ times }) => times.some(([, n]) => n > 0));
      // The slots of the first burst are free at once: a stretch may hold one window more than its length says.
      const allowed = sending.reduce((sum, s) => sum + perMs * Math.max(s.untilMs - s.fromMs, windowMs), 0);
      return {
        requests,
        barMs,
        allowedPerBar: perMs * barMs,
        bars,
        breaks: breaksOf(stretches, drawn, paused),
        utilisation: allowed === 0 ? 0 : requests / allowed,
        ...(throttling === undefined
          ? {}
          : { throttling: throttlingOf(throttling, stretches, { bars, barMs, perMs, drawn, paused }) }),
      };
    },
  };
}

function barsOf(
  { fromMs, untilMs, times }: Stretch,
  barMs: number,
  pauses: readonly RunPause[],
  paused: readonly Span[],
  rateAt: AllowedRate,
): readonly RateBar[] {
  const counts = new Array<number>(Math.ceil((untilMs - fromMs) / barMs)).fill(0);
  for (const [atMs, n] of times) {
    const bar = Math.floor((atMs - fromMs) / barMs);
    counts[bar] = (counts[bar] ?? 0) + n;
  }
  return counts.map((requests, i) => {
    const bar = { fromMs: fromMs + i * barMs, untilMs: i === counts.length - 1 ? untilMs : fromMs + (i + 1) * barMs };
    return {
      fromMs: bar.fromMs,
      requests,
      allowed: rateAt(bar) * barMs,
      throttled: throttledOf(pauses.filter((pause) => pause.fromMs >= bar.fromMs && pause.fromMs < bar.untilMs)),
      pausedMs: overlapMs(paused, bar),
    };
  });
}

function breaksOf(
  stretches: readonly Stretch[],
  drawn: readonly (readonly RateBar[])[],
  paused: readonly Span[],
): readonly SendingBreak[] {
  let afterBars = 0;
  return stretches.slice(1).map((next, i) => {
    afterBars += drawn[i]?.length ?? 0;
    const gap = { fromMs: stretches[i]?.untilMs ?? 0, untilMs: next.fromMs };
    return { ...gap, afterBars, isPause: overlapMs(paused, gap) > (gap.untilMs - gap.fromMs) / 2 };
  });
}

interface Drawn {
  readonly bars: readonly RateBar[];
  readonly barMs: number;
  readonly perMs: number;
  readonly drawn: readonly (readonly RateBar[])[];
  readonly paused: readonly Span[];
}

function throttlingOf(
  { pauses, earlier }: RunThrottling,
  stretches: readonly Stretch[],
  { bars, barMs, perMs, drawn, paused }: Drawn,
): RateThrottling {
  const whole = { fromMs: stretches[0]?.fromMs ?? 0, untilMs: stretches.at(-1)?.untilMs ?? 0 };
  let before = 0;
  const bands = stretches.flatMap((stretch, i) => {
    const first = before;
    before += drawn[i]?.length ?? 0;
    return paused
      .map((pause) => within(pause, stretch))
      .filter(({ fromMs, untilMs }) => untilMs > fromMs)
      .map(({ fromMs, untilMs }) => ({
        fromBar: first + (fromMs - stretch.fromMs) / barMs,
        toBar: first + (untilMs - stretch.fromMs) / barMs,
      }));
  });
  return {
    throttled: throttledOf(pauses) + (earlier?.throttled ?? 0),
    pauses: pauses.length + (earlier?.pauses ?? 0),
    pausedMs: overlapMs(paused, whole),
    lowestShare: bars.reduce((least, { allowed }) => Math.min(least, allowed / (perMs * barMs)), 1),
    othersPauses: pauses.filter(({ requestClass }) => requestClass !== 'write').length,
    bands,
    ...(earlier === undefined ? {} : { earlier }),
  };
}

function overlapMs(spans: readonly Span[], part: Span): number {
  return spans.reduce((sum, span) => {
    const { fromMs, untilMs } = within(span, part);
    return sum + Math.max(0, untilMs - fromMs);
  }, 0);
}

function within(span: Span, part: Span): Span {
  return { fromMs: Math.max(span.fromMs, part.fromMs), untilMs: Math.min(span.untilMs, part.untilMs) };
}
