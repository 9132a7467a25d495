/** What became of one device in run after run. Reads only. Layer: app. */
import type { RunId } from '../domain/ids.ts';
import type { Ledger } from '../domain/ports.ts';
import type { Rotation } from '../domain/rotation.ts';
import type { Run } from '../domain/run.ts';

/** The device in one run. */
export interface PastRotation {
  readonly runId: RunId;
  readonly trigger: Run['trigger'];
  readonly mode: Run['mode'];
  readonly runState: Run['state'];
  /** ISO 8601. */
  readonly createdAt: string;
  readonly rotation: Rotation;
}

export interface DeviceHistory {
  /** Newest run first. */
  readonly rotations: readonly PastRotation[];
  /** Runs that were searched, and those that were not since the bounds were reached. */
  readonly runsSearched: number;
  readonly runsLeft: number;
}

/** How far to search. */
export interface HistoryBounds {
  readonly runs: number;
  readonly rows: number;
}

/**
 * Rows are filed by run and order, so that a run is read until the device is met, a thousand rows to a request. Chosen: a year of weekly
 * runs, and some hundred requests.
 */
export const HISTORY_BOUNDS: HistoryBounds = { runs: 60, rows: 300_000 };

/** @param ids any of the device's ids. @throws {StorageError} @throws the signal's reason. */
export async function deviceHistory(
  ledger: Pick<Ledger, 'listRuns' | 'rotationPages'>,
  ids: ReadonlySet<string>,
  bounds: HistoryBounds,
  signal: AbortSignal,
): Promise<DeviceHistory> {
  const rotations: PastRotation[] = [];
  let runsSearched = 0;
  let runsLeft = 0;
  let rowsRead = 0;
  for await (const run of ledger.listRuns({ unfinished: false })) {
    signal.throwIfAborted();
    if (runsSearched >= bounds.runs || rowsRead >= bounds.rows) {
      runsLeft += 1;
      continue;
    }
    runsSearched += 1;
    for await (const page of ledger.rotationPages(run.runId)) {
      signal.throwIfAborted();
      rowsRead += page.length;
      const rotation = page.find((row) => isOf(row, ids));
      if (rotation === undefined) continue;
      rotations.push(pastRotation(run, rotation));
      break;
    }
  }
  return { rotations, runsSearched, runsLeft };
}

/** True for a rotation of the device with one of these ids. */
export function isOf({ managedDeviceId, entraDeviceId }: Rotation, ids: ReadonlySet<string>): boolean {
  return ids.has(managedDeviceId) || (entraDeviceId !== undefined && ids.has(entraDeviceId));
}

function pastRotation(run: Run, rotation: Rotation): PastRotation {
  return {
    runId: run.runId,
    trigger: run.trigger,
    mode: run.mode,
    runState: run.state,
    createdAt: new Date(run.createdAtMs).toISOString(),
    rotation,
  };
}
