/** A run's counts: what the plan skipped, what its slices hold, and the rest still planned. They always add up to its devices. Layer: app. */
import type { Ledger } from '../domain/ledger.ts';
import type { SkipReason } from '../domain/rotation.ts';
import { addCounts, type Run, type Slice, type StateCounts } from '../domain/run.ts';

export interface RunCounts {
  readonly states: StateCounts;
  readonly skipped: Readonly<Partial<Record<SkipReason, number>>>;
}

/** Reads the slices of a run in progress; a finished one carries its counts. */
export async function countRun(ledger: Pick<Ledger, 'listSlices'>, run: Run): Promise<RunCounts> {
  if (run.finalCounts !== undefined) return { states: run.finalCounts, skipped: run.skipped };
  const slices: Slice[] = [];
  if (run.due > 0) for await (const slice of ledger.listSlices(run.runId, {})) slices.push(slice.value);
  return countSlices(run, slices);
}

/** The pure part. */
export function countSlices(run: Run, slices: readonly Slice[]): RunCounts {
  const inSlices = slices.reduce((sum, slice) => sum + slice.orders.length, 0);
  const skipped: Partial<Record<SkipReason, number>> = { ...run.skipped };
  for (const slice of slices) {
    for (const [reason, n] of Object.entries(slice.skipped) as [SkipReason, number][])
      skipped[reason] = (skipped[reason] ?? 0) + n;
  }
  const byPlan = {
    planned: run.due - inSlices,
    notDue: run.notDue,
    skipped: Object.values(run.skipped).reduce((sum, n) => sum + n, 0),
  };
  return { states: addCounts(byPlan, ...slices.map((slice) => slice.counts)), skipped };
}
