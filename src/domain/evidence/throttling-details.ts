/** What an evidence file says of 429s and pauses, in the details of its run. Pure. Layer: domain. */
import type { RunPause, RunThrottling } from '../run-throttling.ts';
import { instant } from './device-cells.ts';

/** A pause of a budget shared by all runs of the app; instants by the storage server's clock. */
export interface PauseDetails {
  /** Which: `write` is GRAPH_WRITE_BUDGET, `any` GRAPH_ANY_BUDGET. */
  readonly budget: RunPause['requestClass'];
  readonly from: string;
  readonly until: string;
  /** Answers with 429. */
  readonly throttled: number;
  /** What was left of the budget: `share` at first, more from `from` on, quickly up to `ceiling` and slowly beyond. Absent: all of it. */
  readonly lowered?: { readonly share: number; readonly from: string; readonly ceiling: number };
}

export interface ThrottlingDetails {
  readonly pauses: readonly PauseDetails[];
  /** Of pauses before those, only the numbers were kept. */
  readonly earlier?: { readonly pauses: number; readonly throttled: number };
}

export function throttlingDetails({ pauses, earlier }: RunThrottling): ThrottlingDetails {
  return {
    pauses: pauses.map(({ requestClass, fromMs, untilMs, throttled, lowered }) => ({
      budget: requestClass,
      from: instant(fromMs),
      until: instant(untilMs),
      throttled,
      ...(lowered === undefined
        ? {}
        : { lowered: { share: lowered.factor, from: instant(lowered.factorAtMs), ceiling: lowered.ceiling } }),
    })),
    ...(earlier === undefined ? {} : { earlier }),
  };
}

/** The inverse of `throttlingDetails`. */
export function throttlingOf(throttling: ThrottlingDetails): RunThrottling {
  return {
    pauses: throttling.pauses.map(({ budget, from, until, throttled, lowered }) => ({
      requestClass: budget,
      fromMs: Date.parse(from),
      untilMs: Date.parse(until),
      throttled,
      ...(lowered === undefined
        ? {}
        : { lowered: { factor: lowered.share, factorAtMs: Date.parse(lowered.from), ceiling: lowered.ceiling } }),
    })),
    ...(throttling.earlier === undefined ? {} : { earlier: throttling.earlier }),
  };
}
