/** What the ledger knows of a fleet's devices, compactly: about 45 bytes a device, and more only for those given up on. Layer: app. */
import { type DeviceRecord, dangerSinceMs, isImportedKey } from '../../domain/device-record.ts';
import {
  type AskedFacts,
  type DeviceStanding,
  deviceStanding,
  type NewestKey,
} from '../../domain/fleet/device-standing.ts';
import { rotatedFacts, tracesOf } from '../../domain/fleet/rotated-without-key.ts';
import type { RecoveryKeyId, RunId } from '../../domain/ids.ts';
import type { Ledger } from '../../domain/ledger.ts';
import { createdAfterMs } from '../../domain/newer-key.ts';
import { ROTATION_STATES, type Rotation, type RotationState } from '../../domain/rotation.ts';
import { hasEnded } from '../../domain/run.ts';
import type { Fleet } from '../plan/fleet.ts';

/** More rows of one run than this are picked out of all its rows, a thousand to a request. Chosen: as many requests as for 20,000 rows. */
const MANY_ROWS = 2_000;
/** Source: `Ledger.readRotationsAt`. */
const AT_ONCE = 100;
const NONE = -1;

const GIVEN_UP = 1;
const DONE = 2;
const IN_PROGRESS = 4;

/** Devices by their number in the fleet. */
export interface AskedDevices {
  /** As of the newest key the fleet knows now; of the last request, or of one before that is done and has no newer key either. */
  standing(device: number): DeviceStanding | undefined;
  /** Its run still looks at it. */
  isInProgress(device: number): boolean;
  /** When the request was made whose outcome `standing` tells of; of one before the last, about when Graph took it. */
  askedAtMs(device: number): number | undefined;
  lastState(device: number): RotationState | undefined;
  lastRunId(device: number): RunId | undefined;
}

/**
 * Reads every device record of the ledger, and the rotations of those that may have rotated, or have not answered. To be called before
 * keys are listed: whatever is done by then has its key in that list. @throws {StorageError} @throws the signal's reason.
 */
export async function readAskedDevices(
  ledger: Pick<Ledger, 'devicePages' | 'readRun' | 'readRotationsAt' | 'rotationPages'>,
  fleet: Fleet,
  signal: AbortSignal,
): Promise<AskedDevices> {
  const columns = createColumns(fleet.size);
  for await (const page of ledger.devicePages()) {
    signal.throwIfAborted();
    for (const { value } of page) {
      const device = fleet.find(value.entraDeviceId);
      if (device >= 0) columns.note(device, value);
    }
  }
  for (const [run, wanted] of columns.wantedRows()) {
    const runId = columns.runs[run] as RunId;
    const found = await ledger.readRun(runId);
    const isOver = found === undefined || hasEnded(found.value);
    for (const device of wanted.devices) columns.noteRun(device, isOver);
    for await (const rows of rowsOf(ledger, runId, wanted)) {
      signal.throwIfAborted();
      for (const row of rows) {
        const device = row.entraDeviceId === undefined ? NONE : fleet.find(row.entraDeviceId);
        if (device >= 0 && wanted.devices.has(device)) columns.noteRow(device, row, isOver);
      }
    }
  }
  return columns.asked(fleet);
}

/** Rotations of one run that say more than their devices' records. */
interface WantedRows {
  readonly devices: ReadonlySet<number>;
  /** `undefined`: of some the place is not known. */
  readonly orders: readonly number[] | undefined;
}

async function* rowsOf(
  ledger: Pick<Ledger, 'readRotationsAt' | 'rotationPages'>,
  runId: RunId,
  { orders }: WantedRows,
): AsyncGenerator<readonly Rotation[]> {
  if (orders === undefined || orders.length > MANY_ROWS) {
    yield* ledger.rotationPages(runId);
    return;
  }
  for (let from = 0; from < orders.length; from += AT_ONCE) {
    const rows = await ledger.readRotationsAt(runId, orders.slice(from, from + AT_ONCE));
    yield rows.map(({ value }) => value);
  }
}

function createColumns(size: number) {
  const runs: RunId[] = [];
  const runNumbers = new Map<RunId, number>();
  const lastRun = new Int32Array(size).fill(NONE);
  const lastState = new Int8Array(size).fill(NONE);
  const askedAt = new Float64Array(size).fill(Number.NaN);
  const keyAfter = new Float64Array(size).fill(Number.NaN);
  /** Of the record: a rotation was done without a key newer than this, whatever was asked since. */
  const doneSince = new Float64Array(size).fill(Number.NaN);
  const order = new Int32Array(size).fill(NONE);
  const flags = new Uint8Array(size);
  const keyBefore = new Map<number, RecoveryKeyId>();
  const imported = new Map<number, DeviceRecord>();

  function numberOf(runId: RunId): number {
    const known = runNumbers.get(runId);
    if (known !== undefined) return known;
    runs.push(runId);
    runNumbers.set(runId, runs.length - 1);
    return runs.length - 1;
  }

  const mark = (device: number, flag: number): void => {
    flags[device] = (flags[device] as number) | flag;
  };

  function note(device: number, record: DeviceRecord): void {
    const { claim, lastRequestAtMs, lastRunId, lastState: state, importedKeyIds } = record;
    if (importedKeyIds !== undefined) imported.set(device, record);
    if (state !== undefined) lastState[device] = ROTATION_STATES.indexOf(state);
    doneSince[device] = dangerSinceMs(record) ?? Number.NaN;
    if (claim !== undefined) {
      lastRun[device] = numberOf(claim.runId);
      order[device] = claim.order;
      askedAt[device] = claim.claimedAtMs;
      keyAfter[device] = claim.pending?.acceptedByMs ?? claim.claimedAtMs;
      if (claim.pending?.keyBeforeId !== undefined) keyBefore.set(device, claim.pending.keyBeforeId);
      mark(device, claim.pending === undefined ? IN_PROGRESS : GIVEN_UP);
      return;
    }
    if (lastRunId === undefined || lastRequestAtMs === undefined) return;
    lastRun[device] = numberOf(lastRunId);
    askedAt[device] = lastRequestAtMs;
    if (state !== 'overdue' && state !== 'abandoned') return;
    mark(device, GIVEN_UP);
    keyAfter[device] = lastRequestAtMs;
  }

  /** Not of devices whose record says all there is to say: done, or not judged at all. */
  function wantedRows(): ReadonlyMap<number, WantedRows> {
    const wanted = new Map<number, { devices: Set<number>; orders: number[] | undefined }>();
    for (const [device, flag] of flags.entries()) {
      if ((flag & (GIVEN_UP | IN_PROGRESS)) === 0) continue;
      const run = lastRun[device] as number;
      const rows = wanted.get(run) ?? { devices: new Set(), orders: [] };
      rows.devices.add(device);
      if (order[device] === NONE) rows.orders = undefined;
      else rows.orders?.push(order[device] as number);
      wanted.set(run, rows);
    }
    return wanted;
  }

  /** A claim that its run left behind waits like any other given up. */
  function noteRun(device: number, isOver: boolean): void {
    if (isOver && ((flags[device] as number) & IN_PROGRESS) !== 0) flags[device] = GIVEN_UP;
  }

  function noteRow(device: number, row: Rotation, isOver: boolean): void {
    if (row.keyBeforeId !== undefined && (isOver || isDone(row))) keyBefore.set(device, row.keyBeforeId);
    const afterMs = createdAfterMs(row);
    if (Number.isFinite(afterMs)) keyAfter[device] = afterMs;
    if (isDone(row)) mark(device, DONE);
  }

  function newestOf(fleet: Fleet, device: number): NewestKey | undefined {
    const keyId = fleet.newestKeyId(device);
    const createdAtMs = fleet.newestKeyAtMs(device);
    if (keyId === undefined || createdAtMs === undefined) return undefined;
    return { keyId, createdAtMs, isImported: isImportedKey(imported.get(device), keyId) };
  }

  function asked(fleet: Fleet): AskedDevices {
    /** By the record alone, whatever came of later requests. */
    const isInDanger = (device: number, newest: NewestKey | undefined): boolean => {
      const afterMs = doneSince[device] as number;
      if (Number.isNaN(afterMs)) return false;
      return deviceStanding({ afterMs, isDone: true, isGivenUp: true }, newest) !== undefined;
    };
    const standing = (device: number): DeviceStanding | undefined => {
      const flag = flags[device] as number;
      const newest = newestOf(fleet, device);
      if (isInDanger(device, newest)) return 'rotatedWithoutKey';
      if (flag === 0) return undefined;
      const keyBeforeId = keyBefore.get(device);
      const facts: AskedFacts = {
        afterMs: keyAfter[device] as number,
        isDone: (flag & DONE) !== 0,
        isGivenUp: (flag & GIVEN_UP) !== 0,
        ...(keyBeforeId === undefined ? {} : { keyBeforeId }),
      };
      return deviceStanding(facts, newest);
    };
    const askedAtMs = (device: number): number | undefined => {
      const [lastMs, doneMs] = [askedAt[device] as number, doneSince[device] as number];
      if (doneMs < lastMs && isInDanger(device, newestOf(fleet, device))) return doneMs;
      return Number.isNaN(lastMs) ? undefined : lastMs;
    };
    return {
      standing,
      isInProgress: (device) => ((flags[device] as number) & IN_PROGRESS) !== 0,
      askedAtMs,
      lastState: (device) => ROTATION_STATES[lastState[device] as number],
      lastRunId: (device) => runs[lastRun[device] as number],
    };
  }

  return { runs, note, wantedRows, noteRun, noteRow, asked };
}

function isDone(rotation: Rotation): boolean {
  return rotatedFacts(tracesOf(rotation)).isDone;
}
