/** Claims left by runs that gave up looking: looked at first, and released once nothing asked for can still take effect. Layer: app. */
import { type ActionResult, isFinalAction } from '../../domain/action-result.ts';
import { type Claim, type DeviceRecord, isImportedKey, PENDING_CLAIM_EXPIRES_MS } from '../../domain/device-record.ts';
import { errorFields } from '../../domain/error-fields.ts';
import { GraphError } from '../../domain/graph-error.ts';
import type { EntraDeviceId, ManagedDeviceId, RecoveryKeyId, RunId } from '../../domain/ids.ts';
import { CLOCK_MARGIN_MS } from '../../domain/observe.ts';
import type { RequestTrace, Versioned } from '../../domain/ports.ts';
import type { Priority } from '../../domain/request-class.ts';
import type { LateOutcome, RotationState } from '../../domain/rotation.ts';
import type { Run } from '../../domain/run.ts';
import { type Bounds, callOptions, type Deps, isOver } from '../deps.ts';
import { noteLateOutcomes } from '../evidence/note-late-outcomes.ts';
import { askForEvidence } from '../evidence/renew-evidence.ts';
import { notifyLateDanger } from '../notify/notify-run.ts';
import { TARGET_RETRY_MS } from './refusal.ts';

/** A claimed device that would be due, and the newest key the listing showed for it. */
export interface ClaimedDevice {
  readonly stored: Versioned<DeviceRecord>;
  readonly newestKeyAtMs?: number;
  readonly newestKeyId?: RecoveryKeyId;
}

/** A claim to be let go, how its rotation ended, and what tells. */
interface Released {
  readonly device: ClaimedDevice;
  readonly state: RotationState;
  readonly claim: Claim;
  readonly outcome: Omit<LateOutcome, 'atMs'>;
}

/** What a claim still waits for; `undefined` while its run is alive and looks itself. */
type PendingFacts = NonNullable<Claim['pending']>;

/** Looks at this many at a time. Chosen: five batches of twenty. */
const LOOK_AT = 100;

/**
 * Releases what is final and returns how those rotations ended. Every other claim stands: its device is `rotationPending`.
 * `idle`: claimed devices that are not due; for them Graph is not asked, and what is listed or long over is enough to let go.
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
  const isFinished = createRunLookup(deps);
  const toLookAt: { readonly device: ClaimedDevice; readonly claim: Claim; readonly pending: PendingFacts }[] = [];
  const released: Released[] = [];
  const told = new Map<RunId, Run>();
  const nowMs = deps.ledger.serverNowMs();

  const mayAsk = new Set(claimed);
  for (const device of [...claimed, ...idle]) {
    const { claim } = device.stored.value;
    const pending = await pendingFacts(claim, isFinished);
    if (claim === undefined || pending === undefined) continue;
    if (hasNewerKey(device, pending)) released.push({ device, claim, state: 'proven', outcome: newerKey(device) });
    else if (nowMs - pending.sinceMs > PENDING_CLAIM_EXPIRES_MS)
      released.push({ device, claim, state: 'overdue', outcome: { state: 'expired' } });
    else if (mayAsk.has(device)) toLookAt.push({ device, claim, pending });
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
      if (reading?.kind === 'gone') released.push({ device, claim, state: 'failed', outcome: { state: 'failed' } });
      if (reading?.kind !== 'found') continue;
      const ours = reading.value.filter((action) => action.startedAtMs >= pending.acceptedAfterMs);
      const final = ours.find((action) => isFinalAction(action.state));
      if (final !== undefined && ours.every((action) => isFinalAction(action.state))) {
        const state = final.state === 'done' ? 'confirmed' : 'failed';
        released.push({ device, claim, state, outcome: { state, ...actionFacts(final, reading.trace) } });
      }
    }
    await release(deps, released.splice(0), settled, told);
  }
  await release(deps, released, settled, told);
  await askForEvidence(deps, told.values());
  return settled;
}

function newerKey({ newestKeyId, newestKeyAtMs }: ClaimedDevice): Released['outcome'] {
  return {
    state: 'proven',
    ...(newestKeyId === undefined ? {} : { keyId: newestKeyId }),
    ...(newestKeyAtMs === undefined ? {} : { keyAtMs: newestKeyAtMs }),
  };
}

function actionFacts(action: ActionResult, trace: RequestTrace = {}): Omit<Released['outcome'], 'state'> {
  return {
    actionState: action.state,
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

/** The outcome goes first, beside the rotation that was given up: what is released here is not found again. */
async function release(
  deps: Deps,
  released: readonly Released[],
  settled: Map<EntraDeviceId, RotationState>,
  told: Map<RunId, Run>,
): Promise<void> {
  if (released.length === 0) return;
  const atMs = deps.clock.nowMs();
  const runs = await noteLateOutcomes(
    deps,
    released.map(({ claim, outcome }) => ({ claim, outcome: { ...outcome, atMs } })),
  );
  for (const [runId, run] of runs) told.set(runId, run);
  const lost = new Set(
    await deps.ledger.writeDevices(
      released.map(({ device, state }) => {
        const { claim: _claim, ...record } = device.stored.value;
        const key = state === 'proven' && device.newestKeyId !== undefined && device.newestKeyAtMs !== undefined;
        return {
          record: {
            ...record,
            lastState: state,
            ...(key ? { lastKeyId: device.newestKeyId, lastKeyAtMs: device.newestKeyAtMs } : {}),
          } as DeviceRecord,
          version: device.stored.version,
        };
      }),
    ),
  );
  for (const { device, state } of released) {
    const id = device.stored.value.entraDeviceId;
    // Whoever wrote first knows better: the claim stands for this plan.
    if (!lost.has(id)) settled.set(id, state);
  }
  await notifyLateDanger(
    deps,
    released.flatMap(({ claim, state, device }) =>
      state === 'confirmed' && !lost.has(device.stored.value.entraDeviceId) ? [claim] : [],
    ),
  );
}

function hasNewerKey({ stored, newestKeyAtMs, newestKeyId }: ClaimedDevice, pending: PendingFacts): boolean {
  if (newestKeyAtMs === undefined || newestKeyId === undefined) return false;
  if (newestKeyAtMs <= pending.acceptedByMs || newestKeyId === pending.keyBeforeId) return false;
  // Behind an imported key a rotated one may hide: then the action's own state has to tell.
  return !isImportedKey(stored.value, newestKeyId);
}

/** The claim of a run that ended without settling it (its rows were lost, say) waits like any other given up. */
async function pendingFacts(
  claim: Claim | undefined,
  isFinished: (runId: RunId) => Promise<boolean>,
): Promise<PendingFacts | undefined> {
  if (claim === undefined) return undefined;
  if (claim.pending !== undefined) return claim.pending;
  if (!(await isFinished(claim.runId))) return undefined;
  return {
    sinceMs: claim.claimedAtMs,
    acceptedAfterMs: claim.claimedAtMs - CLOCK_MARGIN_MS,
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
