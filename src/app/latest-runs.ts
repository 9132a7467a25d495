/** Which runs a list shows. Reads only. Layer: app. */
import type { Ledger } from '../domain/ledger.ts';
import { hasEnded, type Run } from '../domain/run.ts';

export interface LatestRuns {
  /** All that have not finished, newest first; then the newest finished ones. */
  readonly runs: readonly Run[];
  /** Finished ones that are left out. */
  readonly leftOut: number;
}

/** @param finished how many of the finished ones, at most. @throws {StorageError} @throws the signal's reason. */
export async function latestRuns(
  ledger: Pick<Ledger, 'listRuns'>,
  finished: number,
  signal: AbortSignal,
): Promise<LatestRuns> {
  const open: Run[] = [];
  const over: Run[] = [];
  let leftOut = 0;
  for await (const run of ledger.listRuns({ unfinished: false })) {
    signal.throwIfAborted();
    if (!hasEnded(run)) open.push(run);
    else if (over.length < finished) over.push(run);
    else leftOut += 1;
  }
  return { runs: [...open, ...over], leftOut };
}
