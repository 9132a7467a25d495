/** What a look at one device reads: which action result is ours, and what else has to be read. Pure. Layer: domain. */
import { type ActionResult, isFinalAction } from './action-result.ts';
import type { EncryptionState } from './encryption-state.ts';
import type { RecoveryKey } from './recovery-key.ts';
import type { Rotation, RotationState } from './rotation.ts';
import type { Reading } from './tenant.ts';

/** What one look read. Absent: not asked for at this look. */
export interface Look {
  readonly actions: Reading<readonly ActionResult[]>;
  readonly keys?: Reading<readonly RecoveryKey[]>;
  readonly encryption?: Reading<EncryptionState>;
  /** Number of the look, from 0. */
  readonly number: number;
  readonly isLast: boolean;
  /** Set once waiting for a device that could not be read at its last look has lasted long enough. */
  readonly givesUp?: boolean;
  /** Our clock. */
  readonly nowMs: number;
  /** The storage server's clock: send deadlines are in it. */
  readonly serverNowMs: number;
  /** How long after its send deadline a request may still be on its way: the request timeout, with a margin. */
  readonly inFlightMs: number;
  /** How far Graph's clock is behind the storage server's, ms, 0 or more: instants of ours that no answer of Graph's dated are moved back by it. */
  readonly graphBehindMs: number;
}

/** What deciding on further reads depends on. */
export type LookFacts = Omit<Look, 'keys' | 'encryption' | 'givesUp'>;

/** The encryption report is this far behind the device at most. Source: Intune documentation, encryption report (read 2026-11-22). */
const STATE_LAG_MS = 24 * 3_600_000;

/** Only of these a look can learn anything. */
export const IN_SIGHT: ReadonlySet<RotationState> = new Set(['requested', 'uncertain', 'confirmed']);

/**
 * The action result that is ours: the one that began while our request was being accepted, else the first one after it, since later ones
 * are someone else's. Where several can be ours, one that may still take effect goes first, so that nothing is called final too early.
 */
export function ourAction(
  rotation: Rotation,
  { actions, graphBehindMs }: Pick<Look, 'actions' | 'graphBehindMs'>,
): ActionResult | undefined {
  if (actions.kind !== 'found') return undefined;
  const earliestMs = acceptedAfterMs(rotation, graphBehindMs) ?? Number.POSITIVE_INFINITY;
  const latestMs = rotation.acceptedByMs ?? Number.POSITIVE_INFINITY;
  const notOlder = actions.value.filter((action) => action.startedAtMs >= earliestMs);
  const candidates = notOlder.filter((action) => action.startedAtMs <= latestMs);
  if (candidates.length === 0) return notOlder.toSorted((a, b) => a.startedAtMs - b.startedAtMs)[0];
  const finality = (action: ActionResult) => Number(isFinalAction(action.state));
  return candidates.toSorted((a, b) => finality(a) - finality(b) || b.startedAtMs - a.startedAtMs)[0];
}

/** When the request can have been accepted at the earliest, in Graph's clock. An answer tells; when it was lost, the intent's own instant is the storage server's. */
export function acceptedAfterMs(rotation: Rotation, graphBehindMs: number): number | undefined {
  if (rotation.acceptedAfterMs === undefined || rotation.acceptedByMs !== undefined) return rotation.acceptedAfterMs;
  return rotation.acceptedAfterMs - graphBehindMs;
}

/** Whether this look must also read the device's recovery keys: the action is done, the device is gone, it is the last look, or a repeat depends on it. */
export function needsKeys(rotation: Rotation, look: LookFacts): boolean {
  const { actions, isLast } = look;
  if (!IN_SIGHT.has(rotation.state)) return false;
  if (actions.kind === 'gone' || rotation.state === 'confirmed') return true;
  const action = ourAction(rotation, look);
  if (action !== undefined && isFinalAction(action.state)) return action.state === 'done';
  if (isLast) return true;
  return (
    rotation.state === 'uncertain' &&
    action === undefined &&
    actions.kind === 'found' &&
    isPastSendDeadline(rotation, look)
  );
}

/**
 * Whether this look must also read the device's encryption state. It is read once when the action ended, well or not (a failed one is told
 * apart by it: `recoveryKeyBackupFailed`, `tpmNotReady`), and once more at the last look when there was none, or when what was recorded is
 * older than the report's lag: why a device is still without proof shows only then. So nearly every device costs one read.
 */
export function needsEncryptionState(rotation: Rotation, look: LookFacts): boolean {
  if (!IN_SIGHT.has(rotation.state)) return false;
  const latest = rotation.encryptionStates?.at(-1);
  if (latest === undefined) return look.isLast || rotation.state === 'confirmed' || hasEnded(ourAction(rotation, look));
  if (!look.isLast || latest.look === look.number) return false;
  return latest.state === 'none' || look.nowMs - latest.atMs >= STATE_LAG_MS;
}

function hasEnded(action: ActionResult | undefined): boolean {
  return action !== undefined && isFinalAction(action.state);
}

/** A request that left before the deadline has been answered by now, one way or the other. */
export function isPastSendDeadline(rotation: Rotation, look: LookFacts): boolean {
  return look.serverNowMs >= (rotation.sendByMs ?? Number.POSITIVE_INFINITY) + look.inFlightMs;
}
