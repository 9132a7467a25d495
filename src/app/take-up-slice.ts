/** Takes up what a poisoned look gave up: a new run that asks nobody, and looks at the devices whose request may still take effect. Layer: app. */
import type { Claim, DeviceRecord } from '../domain/device-record.ts';
import type { EntraDeviceId, RunId, SliceId } from '../domain/ids.ts';
import type { QuarantineEntry, Versioned } from '../domain/ledger.ts';
import type { Rotation, RotationState } from '../domain/rotation.ts';
import { type Run, type Slice, sliceIdOf } from '../domain/run.ts';
import type { Deps } from './deps.ts';
import { firstSlice, sendLook } from './slice-rows.ts';

/** A slice whose rotations are `abandoned`, and the run that takes them up. */
export interface GivenUpSlice {
  readonly runId: RunId;
  readonly sliceId: SliceId;
  /** The same for the same entry, so that taking up twice is taking up once. */
  readonly newRunId: RunId;
}

/** What `entry`, of queue `encryption-states`, is about; `undefined` when it names no slice of ours. */
export function givenUpSlice({ id, runId, sliceId }: QuarantineEntry): GivenUpSlice | undefined {
  if (runId === undefined || sliceId === undefined) return undefined;
  return { runId, sliceId, newRunId: id.replace(/^.*-/, 'requeue-') as RunId };
}

/** A rotation given up, and its device, whose claim the old run still keeps as pending, or the new one has already. */
interface Takeable {
  readonly old: Rotation;
  readonly claim: Claim;
  readonly stored: Versioned<DeviceRecord>;
}

/** How many devices there are to take up. A device whose claim went elsewhere, or was let go, is none of them. @throws {StorageError} */
export async function countTakeable(deps: Deps, slice: GivenUpSlice): Promise<number> {
  const rows = await readRows(deps, slice);
  return rows.length > 0 ? rows.length : (await readTakeable(deps, slice)).length;
}

/**
 * Makes the new run. Terminal rotations stay as they are in the old one. Returns how many devices it has; without any there is no run.
 *
 * The order makes it re-enterable after a crash at any line. Claims first: whatever is left of a device without its run's row is treated
 * like a claim given up, by later plans. Then rotations, the slice, and the run's row last of the rows, since a settling run without an
 * open slice would be finished by the next tick. Then the message, which the tick makes good. @throws {StorageError}
 */
export async function takeUpSlice(deps: Deps, slice: GivenUpSlice): Promise<number> {
  const { ledger } = deps;
  const { newRunId } = slice;
  const planned = await claimAll(deps, slice);
  if (planned.length === 0) return 0;
  await ledger.writePlannedRotations(newRunId, planned);
  const rows = await readRows(deps, slice);
  const look = await ensureSlice(deps, newRunId, rows);
  const run = newRun(deps, slice, rows.length);
  await ledger.createRun(run);
  await sendLook(deps, run, look);
  return rows.length;
}

/** The rows of the new run: as they are when it has some, else of every device that it could be given. */
async function claimAll(deps: Deps, slice: GivenUpSlice): Promise<readonly Rotation[]> {
  for (;;) {
    const rows = await readRows(deps, slice);
    if (rows.length > 0) return rows;
    const takeable = await readTakeable(deps, slice);
    const taken = takeable.map((one, order) => ({ ...one, rotation: takenUp(one, order) }));
    const changes = taken
      .filter(({ claim, rotation }) => !isHeldFor(claim, slice.newRunId, rotation))
      .map(({ stored, claim, rotation }) => ({
        record: movedRecord(stored.value, claim, slice.newRunId, rotation),
        version: stored.version,
      }));
    const lost = await deps.ledger.writeDevices(changes);
    // One that went elsewhere leaves the order of the others: all are decided anew.
    if (lost.length === 0) return taken.map(({ rotation }) => rotation);
  }
}

async function readRows(deps: Deps, { newRunId }: GivenUpSlice): Promise<readonly Rotation[]> {
  return (await deps.ledger.readRotations(newRunId, 0, MOST_ROTATIONS)).map((row) => row.value);
}

async function readTakeable(deps: Deps, { runId, sliceId, newRunId }: GivenUpSlice): Promise<readonly Takeable[]> {
  const slice = await deps.ledger.readSlice(runId, sliceId);
  const rows = await deps.ledger.readRotationsAt(runId, slice?.value.orders ?? []);
  const abandoned = rows.map((row) => row.value).filter((rotation) => rotation.state === 'abandoned');
  const records = await deps.ledger.readDevices(abandoned.flatMap((rotation) => rotation.entraDeviceId ?? []));
  return abandoned.flatMap((old) => {
    const stored = records.get(old.entraDeviceId as EntraDeviceId);
    const claim = stored?.value.claim;
    if (stored === undefined || claim === undefined) return [];
    const isGivenUp = claim.runId === runId && claim.order === old.order && claim.pending !== undefined;
    return isGivenUp || claim.runId === newRunId ? [{ old, claim, stored }] : [];
  });
}

/** With all that is known of its request. What looks recorded belongs to the old run. */
function takenUp({ old, claim }: Takeable, order: number): Rotation {
  const { look: _look, emptyLooks: _empty, encryptionStates: _states, canary: _canary, ...facts } = old;
  return {
    claimedAtMs: claim.claimedAtMs,
    sendByMs: claim.sendByMs,
    ...(claim.pending === undefined ? {} : { acceptedAfterMs: claim.pending.acceptedAfterMs }),
    ...facts,
    order,
    state: stateBefore(old),
    sliceId: NEW_SLICE,
  };
}

/** A slice has no more. They are few and short enough to be written in one transaction: some of them is all of them. */
const MOST_ROTATIONS = 100;
const NEW_SLICE = sliceIdOf(0, 0);

/** The state it was given up in. */
function stateBefore(old: Rotation): RotationState {
  if (old.confirmedAtMs !== undefined) return 'confirmed';
  return old.acceptedByMs === undefined ? 'uncertain' : 'requested';
}

function isHeldFor(claim: Claim, runId: RunId, { order, attempt }: Rotation): boolean {
  return claim.runId === runId && claim.order === order && claim.attempt === attempt && claim.pending === undefined;
}

function movedRecord(record: DeviceRecord, claim: Claim, runId: RunId, { order, attempt }: Rotation): DeviceRecord {
  const { pending: _pending, ...held } = claim;
  return { ...record, claim: { ...held, runId, order, attempt }, lastRunId: runId };
}

async function ensureSlice(deps: Deps, runId: RunId, rows: readonly Rotation[]): Promise<Slice> {
  for (;;) {
    const stored = await deps.ledger.readSlice(runId, NEW_SLICE);
    if (stored !== undefined) return stored.value;
    // What was asked for long ago is looked at now.
    const slice = { ...firstSlice(deps, NEW_SLICE, rows), dueAtMs: deps.ledger.serverNowMs() };
    await deps.ledger.writeSlices(runId, [{ slice, version: undefined }]);
  }
}

function newRun(deps: Deps, { runId, sliceId, newRunId }: GivenUpSlice, devices: number): Run {
  const nowMs = deps.clock.nowMs();
  return {
    tenantId: deps.settings.tenantId,
    runId: newRunId,
    trigger: 'requeue',
    mode: 'live',
    state: 'settling',
    reason: `slice ${sliceId} of run ${runId}, taken up from quarantine`,
    createdAtMs: nowMs,
    seed: 0,
    checkpoint: 0,
    rowsWritten: devices,
    devices,
    due: devices,
    notDue: 0,
    skipped: {},
    canaries: 0,
    nextOrder: devices,
    canaryPassed: true,
    rotatingStartedAtMs: nowMs,
    rotatingEndedAtMs: nowMs,
  };
}
