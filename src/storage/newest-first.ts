/** The orders in which runs and devices are listed. Pure. Layer: storage adapter. */
import type { DeviceRecord } from '../domain/device-record.ts';
import type { Run } from '../domain/run.ts';

/** Newest first; of equally old ones the greater id, so that the order is stable. */
export function newestFirst(a: Pick<Run, 'createdAtMs' | 'runId'>, b: Pick<Run, 'createdAtMs' | 'runId'>): number {
  return b.createdAtMs - a.createdAtMs || (a.runId < b.runId ? 1 : -1);
}

/** The device that was asked last first; those never asked come last. */
export function lastAskedFirst(
  a: Pick<DeviceRecord, 'lastRequestAtMs'>,
  b: Pick<DeviceRecord, 'lastRequestAtMs'>,
): number {
  return (b.lastRequestAtMs ?? 0) - (a.lastRequestAtMs ?? 0);
}
