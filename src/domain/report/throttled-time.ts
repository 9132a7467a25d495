/** When the budgets were paused, and what they allowed at any time, from the pauses that a run remembers. Pure. Layer: domain. */
import { factorAt } from '../pacing-throttle.ts';
import { PAUSING_CLASSES, type PausingBudgets, type RunPause } from '../run-throttling.ts';

/** From the one instant to just before the other. */
export interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Rotation requests allowed per ms, averaged over the span; pauses are not taken off. */
export type AllowedRate = (part: Span) => number;

/** Chosen: recovery is smooth, and a bar is seldom longer than it takes. */
const SAMPLES = 8;

/** Pauses of all classes, ascending, those that overlap as one. */
export function pausedSpans(pauses: readonly Span[]): readonly Span[] {
  const spans: Span[] = [];
  for (const { fromMs, untilMs } of [...pauses].sort((a, b) => a.fromMs - b.fromMs)) {
    const last = spans.at(-1);
    if (last === undefined || fromMs > last.untilMs) spans.push({ fromMs, untilMs });
    else spans[spans.length - 1] = { fromMs: last.fromMs, untilMs: Math.max(last.untilMs, untilMs) };
  }
  return spans;
}

/** The budget that allows least decides. What was lowered before the first pause that is known counts as not lowered. */
export function allowedRate(budgets: PausingBudgets, pauses: readonly RunPause[]): AllowedRate {
  const classes = PAUSING_CLASSES.map((requestClass) => ({
    budget: budgets[requestClass],
    pauses: pauses.filter((pause) => pause.requestClass === requestClass),
  }));
  const at = (atMs: number) =>
    Math.min(
      ...classes.map(({ budget, pauses: own }) => {
        const lowered = own.findLast(({ fromMs }) => fromMs <= atMs)?.lowered;
        return (budget.limit / budget.windowMs) * (lowered === undefined ? 1 : factorAt(lowered, budget, atMs));
      }),
    );
  return ({ fromMs, untilMs }) => {
    let sum = 0;
    for (let i = 0; i < SAMPLES; i++) sum += at(fromMs + ((i + 0.5) / SAMPLES) * (untilMs - fromMs));
    return sum / SAMPLES;
  };
}
