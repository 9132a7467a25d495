/** The settings that decide what a run does, as they were when it was planned; none of them is a secret. Pure. Layer: domain. */
import { scrub } from './scrub.ts';
import type { Settings } from './settings.ts';

export type RunSettings = Pick<
  Settings,
  | 'graphRoot'
  | 'maxKeyAgeMs'
  | 'minKeyAgeMs'
  | 'seenWithinMs'
  | 'maxDevices'
  | 'exclude'
  | 'canaryDevices'
  | 'canaryMinProven'
  | 'canaryWaitMs'
  | 'abortFailureRate'
  | 'confirmScheduleMs'
  | 'budgets'
  | 'concurrency'
  | 'recordToGraph'
>;

/** Named one by one, so that a setting added later is not told by accident. */
export function runSettings(settings: RunSettings): RunSettings {
  const { graphRoot, maxKeyAgeMs, minKeyAgeMs, seenWithinMs, maxDevices, exclude, recordToGraph } = settings;
  const { canaryDevices, canaryMinProven, canaryWaitMs, abortFailureRate, confirmScheduleMs } = settings;
  const { budgets, concurrency } = settings;
  return {
    graphRoot,
    maxKeyAgeMs,
    minKeyAgeMs,
    seenWithinMs,
    maxDevices,
    exclude: exclude.map(scrub),
    canaryDevices,
    canaryMinProven,
    canaryWaitMs,
    abortFailureRate,
    confirmScheduleMs,
    budgets,
    concurrency,
    recordToGraph,
  };
}
