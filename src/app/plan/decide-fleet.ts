/** Decides every device of the fleet and puts the due ones in order: canaries, then oldest key first, broken devices last. Layer: app. */
import type { DeviceRecord } from '../../domain/device-record.ts';
import { type DueRules, decideDue } from '../../domain/due.ts';
import type { Versioned } from '../../domain/ledger.ts';
import type { RotationState, SkipReason } from '../../domain/rotation.ts';
import { seededSample } from '../../domain/sample.ts';
import type { Bounds, Deps } from '../deps.ts';
import { reasonCode, reasonOf } from './device-records.ts';
import type { Fleet } from './fleet.ts';
import { type ClaimedDevice, settlePendingClaims } from './pending-claims.ts';
import type { PlannedRotation } from './plan-rows.ts';

/** A canary must be able to answer soon. Source: design, "seen within 24 h". */
const CANARY_SEEN_WITHIN_MS = 24 * 3_600_000;
/** A verdict besides those of `reasonCode`; 0 is due. */
const NOT_DUE = 255;

/** What to decide by: the settings' ages for a scheduled run, the floor for one on demand. */
export interface DecisionRules extends DueRules {
  readonly priority: 'bulk' | 'onDemand';
  readonly maxDevices: number;
  readonly canaryDevices: number;
  readonly seed: number;
}

export interface FleetDecision {
  readonly due: number;
  readonly notDue: number;
  readonly canaries: number;
  readonly skipped: Readonly<Partial<Record<SkipReason, number>>>;
  /** All devices, in the order of the run. */
  rows(): Generator<PlannedRotation>;
}

/** What the ledger knew of the devices, by their number in the fleet. */
interface KnownDevices {
  readonly lastRequestAtMs: Float64Array;
  /** 1: the last rotation did not succeed. */
  readonly failedBefore: Uint8Array;
  readonly claimed: Map<number, Versioned<DeviceRecord>>;
}

/** @throws {GraphError} while looking at pending claims. */
export async function decideFleet(
  deps: Deps,
  bounds: Bounds,
  fleet: Fleet,
  rules: DecisionRules,
  known: KnownDevices,
): Promise<FleetDecision> {
  // One byte a device: a map with a million entries would take more memory than the rest of the fleet.
  const verdicts = new Uint8Array(fleet.size);
  const due = new Uint32Array(fleet.size);
  let dueCount = 0;
  let notDue = 0;
  const claimed: ClaimedDevice[] = [];
  const claimedIdle: ClaimedDevice[] = [];
  const skip = (device: number, reason: SkipReason): void => {
    verdicts[device] = reasonCode(reason);
  };
  const noteClaim = (device: number, claims: ClaimedDevice[]): void => {
    const stored = known.claimed.get(device);
    if (stored !== undefined) claims.push({ stored, ...newestKey(fleet, device) });
  };
  for (let device = 0; device < fleet.size; device++) {
    const reason = fleet.ineligible(device);
    if (reason !== undefined) {
      skip(device, reason);
      noteClaim(device, claimedIdle);
      continue;
    }
    const decision = decideDue(dueFacts(fleet, known, device), rules);
    if (decision.kind === 'notDue') {
      verdicts[device] = NOT_DUE;
      notDue += 1;
    } else if (decision.kind === 'skipped') skip(device, decision.reason);
    else {
      due[dueCount++] = device;
    }
    noteClaim(device, decision.kind === 'due' ? claimed : claimedIdle);
  }

  const settled = await settlePendingClaims(deps, bounds, rules.priority, claimed, claimedIdle);
  let freeCount = 0;
  for (const device of due.subarray(0, dueCount)) {
    const stored = known.claimed.get(device);
    const reason =
      stored === undefined ? undefined : afterItsClaim(stored.value, settled.get(stored.value.entraDeviceId), rules);
    if (reason === undefined) due[freeCount++] = device;
    else skip(device, reason);
  }
  const hasFailedBefore = (device: number): boolean => {
    const stored = known.claimed.get(device)?.value;
    // A claim released just now says how the last rotation ended; what the ledger said before is out of date.
    return stored === undefined ? known.failedBefore[device] === 1 : settled.get(stored.entraDeviceId) !== 'proven';
  };
  const ordered = inOrder(fleet, hasFailedBefore, due.subarray(0, freeCount));
  for (const device of ordered.subarray(rules.maxDevices)) skip(device, 'overRunLimit');
  const within = [...ordered.subarray(0, rules.maxDevices)];
  const canaries = chooseCanaries(fleet, known, within, rules);

  const skipped: Partial<Record<SkipReason, number>> = {};
  for (const verdict of verdicts) {
    const reason = verdict === NOT_DUE ? undefined : reasonOf(verdict);
    if (reason !== undefined) skipped[reason] = (skipped[reason] ?? 0) + 1;
  }

  return {
    due: within.length,
    notDue,
    canaries: canaries.length,
    skipped,
    *rows() {
      const isCanary = new Set(canaries);
      for (const device of canaries) yield { ...rowOf(fleet, device), state: 'planned', canary: true };
      for (const device of within) if (!isCanary.has(device)) yield { ...rowOf(fleet, device), state: 'planned' };
      for (const [device, verdict] of verdicts.entries())
        if (verdict === NOT_DUE) yield { ...rowOf(fleet, device), state: 'notDue' };
      for (const [device, verdict] of verdicts.entries()) {
        const skipReason = verdict === NOT_DUE ? undefined : reasonOf(verdict);
        if (skipReason !== undefined) yield { ...rowOf(fleet, device), state: 'skipped', skipReason };
      }
    },
  };
}

/** Reads every device record of the ledger once. `undefined`: the invocation ended first. */
export async function readKnownDevices(deps: Deps, bounds: Bounds, fleet: Fleet): Promise<KnownDevices | undefined> {
  const known = noKnownDevices(fleet);
  for await (const page of deps.ledger.devicePages()) {
    for (const stored of page) noteDevice(known, fleet, stored);
    // Not bounded by the time budget: reading would start over each time.
    if (bounds.signal.aborted) return undefined;
  }
  return known;
}

export function noKnownDevices(fleet: Fleet): KnownDevices {
  return {
    lastRequestAtMs: new Float64Array(fleet.size).fill(Number.NaN),
    failedBefore: new Uint8Array(fleet.size),
    claimed: new Map(),
  };
}

export function noteDevice(known: KnownDevices, fleet: Fleet, stored: Versioned<DeviceRecord>): void {
  const device = fleet.find(stored.value.entraDeviceId);
  if (device < 0) return;
  const { lastRequestAtMs, lastState, claim } = stored.value;
  if (lastRequestAtMs !== undefined) known.lastRequestAtMs[device] = lastRequestAtMs;
  if (lastRequestAtMs !== undefined && lastState !== 'proven') known.failedBefore[device] = 1;
  if (claim !== undefined) known.claimed.set(device, stored);
}

function dueFacts(fleet: Fleet, known: KnownDevices, device: number) {
  const newestKeyAtMs = fleet.newestKeyAtMs(device);
  const lastRequestAtMs = known.lastRequestAtMs[device] as number;
  return {
    keyCount: fleet.keyCount(device),
    ...(newestKeyAtMs === undefined ? {} : { newestKeyAtMs }),
    // A claimed device is judged by its claim: its pending request may be settled by now.
    ...(Number.isNaN(lastRequestAtMs) || known.claimed.has(device) ? {} : { lastRequestAtMs }),
  };
}

/** Why a claimed device cannot be asked after all: its claim stands, or it was released just now and the last request is too recent. */
function afterItsClaim(
  { lastRequestAtMs }: DeviceRecord,
  endedAs: RotationState | undefined,
  rules: DecisionRules,
): SkipReason | undefined {
  if (endedAs === undefined) return 'rotationPending';
  return lastRequestAtMs !== undefined && lastRequestAtMs > rules.nowMs - rules.minKeyAgeMs ? 'keyTooYoung' : undefined;
}

function newestKey(fleet: Fleet, device: number): Pick<ClaimedDevice, 'newestKeyAtMs' | 'newestKeyId'> {
  const newestKeyAtMs = fleet.newestKeyAtMs(device);
  const newestKeyId = fleet.newestKeyId(device);
  return newestKeyAtMs === undefined || newestKeyId === undefined ? {} : { newestKeyAtMs, newestKeyId };
}

/** Sorts in place: oldest key first, no key before all; devices whose last rotation did not succeed come last, so that they never head every run. */
function inOrder(fleet: Fleet, hasFailedBefore: (device: number) => boolean, devices: Uint32Array): Uint32Array {
  const failed = new Uint8Array(fleet.size);
  for (const device of devices) failed[device] = Number(hasFailedBefore(device));
  return devices.sort((a, b) => (failed[a] as number) - (failed[b] as number) || fleet.compareKeyAges(a, b) || a - b);
}

/**
 * A sample of those with a key that were seen within a day and did not fail last time, who would make every canary fail; when there are
 * none, of all that are due: a run never starts without canaries by accident.
 */
function chooseCanaries(
  fleet: Fleet,
  known: KnownDevices,
  due: readonly number[],
  rules: DecisionRules,
): readonly number[] {
  if (rules.canaryDevices === 0) return [];
  const answering = due.filter(
    (device) =>
      fleet.newestKeyAtMs(device) !== undefined &&
      known.failedBefore[device] === 0 &&
      fleet.lastSyncAtMs(device) >= rules.nowMs - CANARY_SEEN_WITHIN_MS,
  );
  return seededSample(answering.length > 0 ? answering : due, rules.canaryDevices, rules.seed);
}

function rowOf(fleet: Fleet, device: number): Omit<PlannedRotation, 'state'> {
  const entraDeviceId = fleet.entraDeviceId(device);
  const route = fleet.route(device);
  const key = newestKey(fleet, device);
  return {
    managedDeviceId: fleet.managedDeviceId(device),
    deviceName: fleet.name(device),
    keyCount: fleet.keyCount(device),
    ...(entraDeviceId === undefined ? {} : { entraDeviceId }),
    ...(route === undefined ? {} : { route }),
    ...(key.newestKeyId === undefined || key.newestKeyAtMs === undefined
      ? {}
      : { keyBeforeId: key.newestKeyId, keyBeforeAtMs: key.newestKeyAtMs }),
  };
}
