/** Claims left by runs that gave up looking: looked at first, and released once nothing asked for can still take effect. Layer: app. */
import { isFinalAction } from '../../domain/action-result.ts';
import { type Claim, type DeviceRecord, PENDING_CLAIM_EXPIRES_MS } from '../../domain/device-record.ts';
import { GraphError } from '../../domain/graph-error.ts';
import type { EntraDeviceId, ManagedDeviceId, RecoveryKeyId, RunId } from '../../domain/ids.ts';
import { CLOCK_MARGIN_MS } from '../../domain/observe.ts';
import type { Versioned } from '../../domain/ports.ts';
import type { Priority } from '../../domain/request-class.ts';
import type { RotationState } from '../../domain/rotation.ts';
import { type Bounds, callOptions, type Deps, isOver } from '../deps.ts';

/** A claimed device that would be due, and the newest key the listing showed for it. */
export interface ClaimedDevice {
  readonly stored: Versioned<DeviceRecord>;
  readonly newestKeyAtMs?: number;
  readonly newestKeyId?: RecoveryKeyId;
}

/** What a claim still waits for; `undefined` while its run is alive and looks itself. */
type PendingFacts = NonNullable<Claim['pending']>;

/** Looks at this many at a time. Chosen: five batches of twenty. */
const LOOK_AT = 100;

/**
 * Releases what is final and returns how those rotations ended. Every other claim stands: its device is `rotationPending`.
 * Releasing is conditional and idempotent. @throws {GraphError}
 */
export async function settlePendingClaims(
  deps: Deps,
  bounds: Bounds,
  priority: Priority,
  claimed: readonly ClaimedDevice[],
): Promise<ReadonlyMap<EntraDeviceId, RotationState>> {
  const settled = new Map<EntraDeviceId, RotationState>();
  const isFinished = createRunLookup(deps);
  const toLookAt: { readonly device: ClaimedDevice; readonly pending: PendingFacts }[] = [];
  const released: { readonly device: ClaimedDevice; readonly state: RotationState }[] = [];
  const nowMs = deps.ledger.serverNowMs();

  for (const device of claimed) {
    const pending = await pendingFacts(device.stored.value.claim, isFinished);
    if (pending === undefined) continue;
    if (hasNewerKey(device, pending)) released.push({ device, state: 'proven' });
    else if (nowMs - pending.sinceMs > PENDING_CLAIM_EXPIRES_MS) released.push({ device, state: 'overdue' });
    else toLookAt.push({ device, pending });
  }

  for (let i = 0; i < toLookAt.length && !isOver(deps, bounds); i += LOOK_AT) {
    const group = toLookAt.slice(i, i + LOOK_AT);
    const results = await lookWithinTime(
      deps,
      bounds,
      priority,
      group.map(({ device }) => device.stored.value.managedDeviceId),
    );
    if (results === undefined) break;
    for (const { device, pending } of group) {
      const reading = results.get(device.stored.value.managedDeviceId);
      // A deleted record cancels what was pending on it.
      if (reading?.kind === 'gone') released.push({ device, state: 'failed' });
      if (reading?.kind !== 'found') continue;
      const ours = reading.value.filter((action) => action.startedAtMs >= pending.acceptedAfterMs);
      const final = ours.find((action) => isFinalAction(action.state));
      if (final !== undefined && ours.every((action) => isFinalAction(action.state))) {
        released.push({ device, state: final.state === 'done' ? 'confirmed' : 'failed' });
      }
    }
    await release(deps, released.splice(0), settled);
  }
  await release(deps, released, settled);
  return settled;
}

/** `undefined` when time ran out: claims that were not looked at stand, and planning goes on. */
async function lookWithinTime(deps: Deps, bounds: Bounds, priority: Priority, ids: readonly ManagedDeviceId[]) {
  try {
    return await deps.tenant.actionResults(ids, callOptions(bounds, priority));
  } catch (error) {
    if (error instanceof GraphError && error.kind === 'throttled') return undefined;
    throw error;
  }
}

async function release(
  deps: Deps,
  released: readonly { readonly device: ClaimedDevice; readonly state: RotationState }[],
  settled: Map<EntraDeviceId, RotationState>,
): Promise<void> {
  if (released.length === 0) return;
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
}

function hasNewerKey(device: ClaimedDevice, pending: PendingFacts): boolean {
  return (
    device.newestKeyAtMs !== undefined &&
    device.newestKeyAtMs > pending.acceptedByMs &&
    device.newestKeyId !== pending.keyBeforeId
  );
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
