/** What the ledger knows of one device across runs: who holds its claim, and how its last rotation went. Layer: domain. */
import type { EntraDeviceId, ManagedDeviceId, RecoveryKeyId, RunId } from './ids.ts';
import type { RotationState } from './rotation.ts';

/** One holder per Entra device id across all runs. */
export interface Claim {
  readonly runId: RunId;
  readonly order: number;
  /** Of the rotation: a claim of an earlier attempt may be taken again by its own run. */
  readonly attempt: number;
  /** Made anew for each block an owner claims: tells a fresh claim from one left by a crash. */
  readonly token: string;
  readonly claimedAtMs: number;
  readonly sendByMs: number;
  /** What `lastRequestAtMs` was before, to put back when nothing was sent. */
  readonly previousRequestAtMs?: number;
  /**
   * Present once the run gave up looking (`overdue`, `abandoned`): the accepted request may still take effect.
   * Later plans look at it first and release it on a final action state, a newer key, or after P60D.
   */
  readonly pending?: {
    readonly sinceMs: number;
    readonly acceptedAfterMs: number;
    readonly acceptedByMs: number;
    readonly keyBeforeId?: RecoveryKeyId;
  };
}

export interface DeviceRecord {
  readonly entraDeviceId: EntraDeviceId;
  /** Absent until a run claims the device: putting a key into escrow needs no managed device id. */
  readonly managedDeviceId?: ManagedDeviceId;
  readonly claim?: Claim;
  /** Last time we asked, or meant to. */
  readonly lastRequestAtMs?: number;
  readonly lastRunId?: RunId;
  /** How the last rotation ended. */
  readonly lastState?: RotationState;
  readonly lastKeyId?: RecoveryKeyId;
  readonly lastKeyAtMs?: number;
  /**
   * The device rotated, and no newer key is known to be in escrow: only one created after this instant (Graph's clock) makes it safe.
   * Requests that came to nothing leave it; a newer key that is proven takes it away.
   */
  readonly doneWithoutKeySinceMs?: number;
  /** Keys that `keyturn escrow` put or changed, newest last, at most `MOST_IMPORTED_KEYS`: none of them proves a rotation. */
  readonly importedKeyIds?: readonly RecoveryKeyId[];
  /** Until then (the storage server's clock) such a key may be on its way: nobody claims the device. */
  readonly importUntilMs?: number;
}

/** Chosen: a device is sent a key per volume, rarely more; the ids of fifty are 2 KB of its row. */
export const MOST_IMPORTED_KEYS = 50;

/** A pending claim is released after this. Chosen: Intune does not document an expiry; P60D outlasts every observed offline return worth waiting for. */
export const PENDING_CLAIM_EXPIRES_MS = 60 * 24 * 3_600_000;

/** How a rotation of the device ended. */
export interface RotationEnd {
  readonly state: RotationState;
  /** Proves it. */
  readonly key?: { readonly keyId: RecoveryKeyId; readonly createdAtMs: number };
  /** It is done without such a key; one created after this instant is newer. */
  readonly doneWithoutKeySinceMs?: number;
}

/** The record with that end; whether the claim stays is the caller's business. */
export function endedRecord(record: DeviceRecord, { state, key, doneWithoutKeySinceMs }: RotationEnd): DeviceRecord {
  const { doneWithoutKeySinceMs: _before, ...rest } = record;
  // A key has to be newer than the last of several.
  const sinceMs = Math.max(dangerSinceMs(record) ?? 0, doneWithoutKeySinceMs ?? 0);
  const isSafe = sinceMs === 0 || (key !== undefined && key.createdAtMs > sinceMs);
  return {
    ...rest,
    lastState: state,
    ...(key === undefined ? {} : { lastKeyId: key.keyId, lastKeyAtMs: key.createdAtMs }),
    ...(isSafe ? {} : { doneWithoutKeySinceMs: sinceMs }),
  };
}

/**
 * `doneWithoutKeySinceMs`, also of a record from before that was kept: `confirmed` is then how the last rotation ended, or the one before
 * the claim that stands now.
 */
export function dangerSinceMs(record: DeviceRecord): number | undefined {
  const { doneWithoutKeySinceMs, lastState, lastRequestAtMs, claim } = record;
  if (doneWithoutKeySinceMs !== undefined || lastState !== 'confirmed') return doneWithoutKeySinceMs;
  return claim === undefined ? lastRequestAtMs : claim.previousRequestAtMs;
}

/** True for a key that `keyturn escrow` put or changed: it says nothing of a rotation, however new it is. */
export function isImportedKey(record: DeviceRecord | undefined, keyId: RecoveryKeyId): boolean {
  return record?.importedKeyIds?.includes(keyId) === true;
}
