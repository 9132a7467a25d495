/** Claims left by runs that gave up looking: looked at first, and released once nothing asked for can still take effect. Layer: app. */
import { type ActionResult, isFinalAction } from '../../domain/action-result.ts';
import {
  type Claim,
  type DeviceRecord,
  endedRecord,
  isImportedKey,
  PENDING_CLAIM_EXPIRES_MS,
  type RotationEnd,
} from '../../domain/device-record.ts';
import { errorFields } from '../../domain/error-fields.ts';
import { GraphError } from '../../domain/graph-error.ts';
import type { EntraDeviceId, ManagedDeviceId, RecoveryKeyId, RunId } from '../../domain/ids.ts';
import type { Versioned } from '../../domain/ledger.ts';
import { CLOCK_MARGIN_MS } from '../../domain/newer-key.ts';
import type { Priority } from '../../domain/request-class.ts';
import type { LateOutcome, RotationState } from '../../domain/rotation.ts';
import type { Run } from '../../domain/run.ts';
import type { RequestTrace } from '../../domain/tenant.ts';
import { type Bounds, callOptions, type Deps, isOver } from '../deps.ts';
import { noteLateOutcomes } from '../evidence/note-late-outcomes.ts';
import { askForEvidence } from '../evidence/renew-evidence.ts';
import { graphBehindMs } from '../graph-clock.ts';
import { createLateTeller, type LateTeller } from '../notify/notify-late.ts';
import { TARGET_RETRY_MS } from './refusal.ts';

/** A claimed device, and the newest key the listing showed for it. */
export interface ClaimedDevice {
  readonly stored: Versioned<DeviceRecord>;
  readonly newestKeyAtMs?: number;
  readonly newestKeyId?: RecoveryKeyId;
}

/** A claim to be let go, how its rotation ended, and what tells. */
interface Released {
  readonly device: ClaimedDevice;
  readonly end: RotationEnd;
  readonly claim: Claim;
  readonly outcome: Omit<LateOutcome, 'atMs'>;
}

/** What a plan's releasing adds up to. */
interface Releasing {
  readonly settled: Map<EntraDeviceId, RotationState>;
  /** Runs that were told of late outcomes. */
  readonly told: Map<RunId, Run>;
  readonly teller: LateTeller;
}

/** What a claim still waits for; `undefined` while its run is alive and looks itself. */
type PendingFacts = NonNullable<Claim['pending']>;

/** Looks at this many at a time. Chosen: five batches of twenty. */
const LOOK_AT = 100;

/**
 * Releases what is final and returns how those rotations ended. Every other claim stands: its device is `rotationPending`.
 * `idle`: claimed devices that are not due. For them Graph is asked only when the listing shows a key that may be the request's: it makes the
 * device due for nothing, so nobody would look before the claim expires. Otherwise what is listed or long over is enough to let go.
 * Releasing is conditional and idempotent. @throws {GraphError}
 */
export async function settlePendingClaims(
  deps: Deps,
  bounds: Bounds,
  priority: Priority,
  claimed: readonly ClaimedDevice[],
  idle: readonly ClaimedDevice[] = [],
): Promise<ReadonlyMap<EntraDeviceId, RotationState>> {
  const settled = new Map<EntraDeviceId, RotationState>();
  const told = new Map<RunId, Run>();
  const releasing: Releasing = { settled, told, teller: createLateTeller(deps) };
  const isFinished = createRunLookup(deps);
  const toLookAt: { readonly device: ClaimedDevice; readonly claim: Claim; readonly pending: PendingFacts }[] = [];
  const released: Released[] = [];
  const nowMs = deps.ledger.serverNowMs();

  const isDue = new Set(claimed);
  for (const device of [...claimed, ...idle]) {
    const { claim } = device.stored.value;
    const pending = await pendingFacts(deps, claim, isFinished);
    if (claim === undefined || pending === undefined) continue;
    const key = newerKey(device, pending);
    if (key !== undefined) released.push(provenBy(key, device, claim));
    else if (nowMs - pending.sinceMs > PENDING_CLAIM_EXPIRES_MS)
      released.push({ device, claim, end: { state: 'overdue' }, outcome: { state: 'expired' } });
    else if (isDue.has(device) || mayBeOurs(device, pending)) toLookAt.push({ device, claim, pending });
  }

  for (let i = 0; i < toLookAt.length && !isOver(deps, bounds); i += LOOK_AT) {
    const group = toLookAt.slice(i, i + LOOK_AT);
    const results = await lookWithinTime(
      deps,
      bounds,
      priority,
      group.flatMap(({ device }) => device.stored.value.managedDeviceId ?? []),
    );
    if (results === 'overTime') break;
    if (results === 'unreadable') continue;
    for (const { device, claim, pending } of group) {
      const { managedDeviceId } = device.stored.value;
      const reading = managedDeviceId === undefined ? undefined : results.get(managedDeviceId);
      // A deleted record cancels what was pending on it.
      if (reading?.kind === 'gone')
        released.push({ device, claim, end: { state: 'failed' }, outcome: { state: 'failed' } });
      if (reading?.kind !== 'found') continue;
      const ours = reading.value.filter((action) => action.startedAtMs >= pending.acceptedAfterMs);
      const final = ours.find((action) => isFinalAction(action.state));
      if (final !== undefined && ours.every((action) => isFinalAction(action.state)))
        released.push(endedBy(final, reading.trace, { device, claim, pending }));
    }
    await release(deps, released.splice(0), releasing);
  }
  await release(deps, released, releasing);
  await askForEvidence(deps, told.values());
  return settled;
}

type Key = NonNullable<RotationEnd['key']>;

type ActionFacts = Pick<
  LateOutcome,
  'actionState' | 'actionStartedAtMs' | 'errorCode' | 'requestId' | 'clientRequestId'
>;

/** `facts`: of the action, when it was looked at. Without its start nobody could tell later why so early a key counts. */
function provenBy(key: Key, device: ClaimedDevice, claim: Claim, facts: ActionFacts = {}): Released {
  const outcome = { state: 'proven', keyId: key.keyId, keyAtMs: key.createdAtMs, ...facts } as const;
  return { device, claim, end: { state: 'proven', key }, outcome };
}

/** As for a proof, the action's own start counts when it is earlier than what is known of the request's answer. */
function endedBy(
  action: ActionResult,
  trace: RequestTrace | undefined,
  { device, claim, pending }: { readonly device: ClaimedDevice; readonly claim: Claim; readonly pending: PendingFacts },
): Released {
  const facts = actionFacts(action, trace);
  if (action.state !== 'done')
    return { device, claim, end: { state: 'failed' }, outcome: { state: 'failed', ...facts } };
  const acceptedByMs = Math.min(pending.acceptedByMs, action.startedAtMs);
  const key = newerKey(device, { ...pending, acceptedByMs });
  if (key !== undefined) return provenBy(key, device, claim, facts);
  const end = { state: 'confirmed', doneWithoutKeySinceMs: acceptedByMs } as const;
  return { device, claim, end, outcome: { state: 'confirmed', ...facts } };
}

function actionFacts(action: ActionResult, trace: RequestTrace = {}): ActionFacts {
  return {
    actionState: action.state,
    actionStartedAtMs: action.startedAtMs,
    ...(action.errorCode === undefined ? {} : { errorCode: action.errorCode }),
    ...(trace.requestId === undefined ? {} : { requestId: trace.requestId }),
    ...(trace.clientRequestId === undefined ? {} : { clientRequestId: trace.clientRequestId }),
  };
}

/**
 * `overTime`: claims that were not looked at stand, and planning goes on. `unreadable`: on demand, what Graph refuses to say of some devices,
 * or says in no sense, holds nobody else up; their claims stand too.
 */
async function lookWithinTime(deps: Deps, bounds: Bounds, priority: Priority, ids: readonly ManagedDeviceId[]) {
  try {
    const patience = priority === 'bulk' ? {} : { retryForMs: TARGET_RETRY_MS };
    return await deps.tenant.actionResults(ids, { ...callOptions(bounds, priority), ...patience });
  } catch (error) {
    if (!(error instanceof GraphError)) throw error;
    if (error.kind === 'throttled') return 'overTime';
    if (priority === 'bulk' || error.kind === 'unavailable' || error.kind === 'unauthorized') throw error;
    deps.logger.warn('pending claims could not be looked at: they stand', errorFields(error));
    return 'unreadable';
  }
}

/**
 * The outcome goes first, beside the rotation that was given up, then the webhook is told: what is released here is not found again. After a
 * crash in between all of it is done once more.
 */
async function release(deps: Deps, released: readonly Released[], { settled, told, teller }: Releasing): Promise<void> {
  if (released.length === 0) return;
  const atMs = deps.clock.nowMs();
  const runs = await noteLateOutcomes(
    deps,
    released.map(({ claim, outcome }) => ({ claim, outcome: { ...outcome, atMs } })),
  );
  for (const [runId, run] of runs) told.set(runId, run);
  const untold = await teller.tell(
    released.flatMap(({ claim, end, device }) =>
      end.doneWithoutKeySinceMs === undefined ? [] : [{ claim, entraDeviceId: idOf(device) }],
    ),
  );
  const ready = released.filter(({ device }) => !untold.has(idOf(device)));
  const lost = new Set(
    await deps.ledger.writeDevices(
      ready.map(({ device, end }) => {
        const { claim: _claim, ...record } = endedRecord(device.stored.value, end);
        return { record, version: device.stored.version };
      }),
    ),
  );
  for (const { device, end } of ready) {
    // Whoever wrote first knows better: the claim stands for this plan.
    if (!lost.has(idOf(device))) settled.set(idOf(device), end.state);
  }
}

function idOf({ stored }: ClaimedDevice): EntraDeviceId {
  return stored.value.entraDeviceId;
}

/** The newest key listed, when it is newer than the request. */
function newerKey({ stored, newestKeyAtMs, newestKeyId }: ClaimedDevice, pending: PendingFacts): Key | undefined {
  if (newestKeyAtMs === undefined || newestKeyId === undefined) return undefined;
  if (newestKeyAtMs <= pending.acceptedByMs || newestKeyId === pending.keyBeforeId) return undefined;
  // Behind an imported key a rotated one may hide: then the action's own state has to tell.
  return isImportedKey(stored.value, newestKeyId) ? undefined : { keyId: newestKeyId, createdAtMs: newestKeyAtMs };
}

/** A key from the time in which the request can have been taken: only the start of its action tells whether it came of it. */
function mayBeOurs({ newestKeyAtMs, newestKeyId }: ClaimedDevice, pending: PendingFacts): boolean {
  if (newestKeyAtMs === undefined || newestKeyId === pending.keyBeforeId) return false;
  return newestKeyAtMs >= pending.acceptedAfterMs && newestKeyAtMs <= pending.acceptedByMs;
}

/** The claim of a run that ended without settling it (its rows were lost, say) waits like any other given up. */
async function pendingFacts(
  deps: Deps,
  claim: Claim | undefined,
  isFinished: (runId: RunId) => Promise<boolean>,
): Promise<PendingFacts | undefined> {
  if (claim === undefined) return undefined;
  if (claim.pending !== undefined) return claim.pending;
  if (!(await isFinished(claim.runId))) return undefined;
  return {
    sinceMs: claim.claimedAtMs,
    acceptedAfterMs: claim.claimedAtMs - CLOCK_MARGIN_MS - graphBehindMs(deps),
    acceptedByMs: claim.sendByMs + CLOCK_MARGIN_MS,
  };
}

function createRunLookup(deps: Deps): (runId: RunId) => Promise<boolean> {
  const known = new Map<RunId, Promise<boolean>>();
  return (runId) => {
    const found =
      known.get(runId) ??
      deps.ledger
        .readRun(runId)
        .then((run) => run === undefined || run.value.state === 'completed' || run.value.state === 'aborted');
    known.set(runId, found);
    return found;
  };
}
