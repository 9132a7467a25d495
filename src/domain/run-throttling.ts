/** What Graph throttled while a run asked: pauses of the budgets that a rotation request takes a slot in. Pure. Layer: domain. */
import type { ThrottlePause } from './budget-state.ts';
import type { Budget } from './request-class.ts';

/** A rotation request waits for either. */
export const PAUSING_CLASSES = ['write', 'any'] as const;

/** A rotation request takes a slot in each. */
export type PausingBudgets = Readonly<Record<(typeof PAUSING_CLASSES)[number], Budget>>;

/** The one that allows the least over time, by which sending is paced. */
export function sendingBudget(budgets: PausingBudgets): Budget {
  const rate = ({ limit, windowMs }: Budget) => limit / windowMs;
  return PAUSING_CLASSES.map((requestClass) => budgets[requestClass]).reduce((least, budget) =>
    rate(budget) < rate(least) ? budget : least,
  );
}

/** A pause of the shared budget, whoever's 429s it came with: another run of the app may have sent those requests. */
export interface RunPause extends ThrottlePause {
  readonly requestClass: (typeof PAUSING_CLASSES)[number];
}

export interface RunThrottling {
  /** Ascending; the latest, at most `MOST_RUN_PAUSES`. */
  readonly pauses: readonly RunPause[];
  /** Of those that came before, only the numbers were kept. Absent: none did. */
  readonly earlier?: { readonly pauses: number; readonly throttled: number };
}

/** Chosen: an hour and more of nothing but pauses; 35 KB of the run's row. */
export const MOST_RUN_PAUSES = 200;

/** None yet. */
export const NO_THROTTLING: RunThrottling = { pauses: [] };

/**
 * `known` with what the budget of `requestClass` remembers of the time from `sinceMs` on. Only the latest pause of a class can have grown
 * since it was noted; whatever is noted twice is there once. `known` itself when there is nothing new.
 */
export function notePauses(
  known: RunThrottling,
  requestClass: RunPause['requestClass'],
  remembered: readonly ThrottlePause[],
  sinceMs: number,
): RunThrottling {
  const last = known.pauses.findLast((pause) => pause.requestClass === requestClass);
  // What was dropped for being too early is not noted a second time.
  const afterMs = last?.fromMs ?? (known.earlier === undefined ? undefined : known.pauses[0]?.fromMs);
  const isNew = ({ fromMs, untilMs, throttled }: ThrottlePause) =>
    untilMs > sinceMs &&
    (afterMs === undefined ||
      fromMs > afterMs ||
      (fromMs === last?.fromMs && (untilMs > last.untilMs || throttled > last.throttled)));
  const news = remembered.filter(isNew).map((pause): RunPause => ({ requestClass, ...pause }));
  const [first] = news;
  if (first === undefined) return known;
  const kept = known.pauses.filter((pause) => pause !== last || pause.fromMs < first.fromMs);
  return bounded({ ...known, pauses: [...kept, ...news].sort((a, b) => a.fromMs - b.fromMs) });
}

function bounded({ pauses, earlier }: RunThrottling): RunThrottling {
  const dropped = pauses.slice(0, -MOST_RUN_PAUSES);
  if (dropped.length === 0) return { pauses, ...(earlier === undefined ? {} : { earlier }) };
  return {
    pauses: pauses.slice(-MOST_RUN_PAUSES),
    earlier: {
      pauses: (earlier?.pauses ?? 0) + dropped.length,
      throttled: (earlier?.throttled ?? 0) + throttledOf(dropped),
    },
  };
}

/** Answers that were 429. */
export function throttledOf(pauses: readonly Pick<ThrottlePause, 'throttled'>[]): number {
  return pauses.reduce((sum, pause) => sum + pause.throttled, 0);
}
