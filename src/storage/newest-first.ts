/** The order in which runs are listed. Pure. Layer: storage adapter. */
import type { Run } from '../domain/run.ts';

/** Newest first; of equally old ones the greater id, so that the order is stable. */
export function newestFirst(a: Pick<Run, 'createdAtMs' | 'runId'>, b: Pick<Run, 'createdAtMs' | 'runId'>): number {
  return b.createdAtMs - a.createdAtMs || (a.runId < b.runId ? 1 : -1);
}
