/** When a run is going wrong often enough to stop. Pure. Layer: domain. */
import type { Outcomes } from './ledger.ts';

/** Outcomes looked back at. Source: design contract of ROTATION_ABORT_FAILURE_RATE, "over the last 100 outcomes". */
const WINDOW = 100;
/** Fewer say too little. */
const AT_LEAST = 20;

export const NO_OUTCOMES: Outcomes = { answers: '', results: '', tripped: false };

/**
 * Adds outcomes (true: went well) and trips, for good, when more than `failureRate` of the last 100 of either kind went wrong.
 * Answers to requests and results from devices are counted apart: a request accepted now says nothing of devices that fail later,
 * and refusals come at once while successes take hours, so that one mixed window would hide the one and exaggerate the other.
 */
export function addOutcomes(
  before: Outcomes,
  added: { readonly answers?: readonly boolean[]; readonly results?: readonly boolean[] },
  failureRate: number,
): Outcomes {
  const answers = (before.answers + encode(added.answers)).slice(-WINDOW);
  const results = (before.results + encode(added.results)).slice(-WINDOW);
  const tripped = before.tripped || isFailing(answers, failureRate) || isFailing(results, failureRate);
  return { answers, results, tripped };
}

function encode(outcomes: readonly boolean[] = []): string {
  return outcomes.map((wentWell) => (wentWell ? '.' : 'x')).join('');
}

function isFailing(window: string, failureRate: number): boolean {
  if (window.length < AT_LEAST) return false;
  const failures = window.split('x').length - 1;
  // 0.29 × 100 is a little less than 29; "more than" must not begin there.
  return failures > failureRate * window.length + 1e-9;
}
