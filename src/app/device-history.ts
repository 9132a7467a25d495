/** One device: the ids it is known under, and what became of it in run after run. Reads only. Layer: app. */
import type { DeviceRecord } from '../domain/device-record.ts';
import type { EntraDeviceId, ManagedDeviceId, RunId } from '../domain/ids.ts';
import { type Ledger, MOST_IDS_SOUGHT } from '../domain/ledger.ts';
import type { Rotation } from '../domain/rotation.ts';
import type { Run } from '../domain/run.ts';
import { inOrder } from './in-order.ts';

/** Of either kind. */
export type DeviceId = EntraDeviceId | ManagedDeviceId;

/** A device as the ledger knows it. */
export interface KnownDevice {
  /** At least the one it was asked for by; at most `MOST_IDS_SOUGHT`. */
  readonly ids: readonly DeviceId[];
  /** Absent when no live run ever claimed it. */
  readonly record?: DeviceRecord;
}

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
  /** The device, with what its rows told of it. */
  readonly device: KnownDevice;
  /** Newest run first; within a run by order: a second record of the device has a row of its own. */
  readonly rotations: readonly PastRotation[];
  /** All there are. */
  readonly runsSearched: number;
}

/**
 * Runs that are searched together. Chosen: hides the way to storage and back, and leaves the account's partitions to the app: the server
 * looks through a run of 100,000 devices for seconds.
 */
export const RUNS_AT_ONCE = 8;

/**
 * By Entra device id, under which records are filed, or by the managed device id it was claimed with last.
 * @throws {StorageError} @throws the signal's reason.
 */
export async function findDevice(
  ledger: Pick<Ledger, 'readDevices' | 'devicesManagedAs'>,
  id: DeviceId,
  signal: AbortSignal,
): Promise<KnownDevice> {
  signal.throwIfAborted();
  const [filed] = (await ledger.readDevices([id as EntraDeviceId])).values();
  const record = filed?.value ?? (await ledger.devicesManagedAs(id as ManagedDeviceId, signal))[0];
  if (record === undefined) return { ids: [id] };
  return { ids: [...new Set([id, record.entraDeviceId, record.managedDeviceId ?? id])], record };
}

/** The device in one run: its rows, ascending, and what they told of it. @throws {StorageError} @throws the signal's reason. */
export async function deviceInRun(
  ledger: Pick<Ledger, 'readDevices' | 'readRotationsAt' | 'rotationsOf'>,
  runId: RunId,
  device: KnownDevice,
  signal: AbortSignal,
): Promise<{ readonly device: KnownDevice; readonly rotations: readonly Rotation[] }> {
  const claim = device.record?.claim;
  if (claim?.runId === runId) {
    // Whoever holds it knows its place.
    const held = await ledger.readRotationsAt(runId, [claim.order]);
    if (held.length > 0) return { device, rotations: held.map(({ value }) => value) };
  }
  const rotations = await ledger.rotationsOf(runId, device.ids, signal);
  return { device: await toldBy(rotations, device, ledger), rotations };
}

/**
 * Whole: every run whose rows are still there. A device that was enrolled anew has rows under another managed device id; what its rows say
 * of its Entra device id is sought too.
 * @param onSearched told after each run. @throws {StorageError} @throws the signal's reason.
 */
export async function deviceHistory(
  ledger: Pick<Ledger, 'listRuns' | 'rotationsOf' | 'readDevices'>,
  device: KnownDevice,
  signal: AbortSignal,
  onSearched: (runs: number, ofRuns: number) => void,
): Promise<DeviceHistory> {
  const runs: RunHead[] = [];
  for await (const run of ledger.listRuns({ unfinished: false })) {
    signal.throwIfAborted();
    runs.push(headOf(run));
  }
  for (let known = device; ; ) {
    const past = await searchRuns(ledger, runs, known.ids, signal, onSearched);
    const told = await toldBy(
      past.map(({ rotation }) => rotation),
      known,
      ledger,
    );
    if (told.ids.length === known.ids.length) return { device: told, rotations: past, runsSearched: runs.length };
    known = told;
  }
}

/** What the history says of a run; its targets may be many. */
type RunHead = Omit<PastRotation, 'rotation'>;

function headOf({ runId, trigger, mode, state, createdAtMs }: Run): RunHead {
  return { runId, trigger, mode, runState: state, createdAt: new Date(createdAtMs).toISOString() };
}

async function searchRuns(
  ledger: Pick<Ledger, 'rotationsOf'>,
  runs: readonly RunHead[],
  ids: readonly DeviceId[],
  signal: AbortSignal,
  onSearched: (runs: number, ofRuns: number) => void,
): Promise<readonly PastRotation[]> {
  let searched = 0;
  const found = await inOrder(runs, RUNS_AT_ONCE, async (run) => {
    const rotations = await ledger.rotationsOf(run.runId, ids, signal);
    searched += 1;
    onSearched(searched, runs.length);
    return rotations.map((rotation) => ({ ...run, rotation }));
  });
  return found.flat();
}

/** The device with the Entra ids of its rows, as many as can be sought, and with the record that is filed under them. */
async function toldBy(
  rotations: readonly Rotation[],
  { ids, record }: KnownDevice,
  ledger: Pick<Ledger, 'readDevices'>,
): Promise<KnownDevice> {
  const told = new Set(rotations.flatMap(({ entraDeviceId }) => entraDeviceId ?? []));
  const further = [...told].filter((id) => !ids.includes(id)).slice(0, MOST_IDS_SOUGHT - ids.length);
  const [filed] = record === undefined && further.length > 0 ? (await ledger.readDevices(further)).values() : [];
  const known = record ?? filed?.value;
  return { ids: [...ids, ...further], ...(known === undefined ? {} : { record: known }) };
}
