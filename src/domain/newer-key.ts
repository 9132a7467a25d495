/** Which recovery key is newer than a rotation's request, and since when one is. Pure. Layer: domain. */
import type { ActionResult } from './action-result.ts';
import { acceptedAfterMs, type Look } from './look.ts';
import { newestOsKey, type RecoveryKey } from './recovery-key.ts';
import type { Rotation } from './rotation.ts';

/**
 * How much earlier than our own clock Graph's may stand when no answer told us its time.
 * Chosen: both are synchronised; five seconds is far above what is seen and far below the time between two runs.
 */
export const CLOCK_MARGIN_MS = 5_000;

/** The newest key of the volume that was certainly created after our request. */
export function newerKey(
  rotation: Rotation,
  action: ActionResult | undefined,
  keys: Look['keys'],
): RecoveryKey | undefined {
  const key = newestOtherKey(rotation, keys);
  return key !== undefined && key.createdAtMs > createdAfterMs(rotation, action) ? key : undefined;
}

function newestOtherKey(rotation: Rotation, keys: Look['keys']): RecoveryKey | undefined {
  if (keys?.kind !== 'found') return undefined;
  return newestOsKey(keys.value.filter((key) => key.keyId !== rotation.keyBeforeId));
}

/** A key created later, by Graph's clock, is newer than the rotation's request. Infinite when nothing tells when that was. */
export function createdAfterMs(rotation: Rotation, action?: ActionResult): number {
  const byAnswer = rotation.acceptedByMs ?? Number.POSITIVE_INFINITY;
  const byAction = action?.startedAtMs ?? rotation.actionStartedAtMs ?? Number.POSITIVE_INFINITY;
  const earliest = Math.min(byAnswer, byAction);
  // Uncertain and no action seen: only a key from after the send deadline is certainly younger than the request.
  return Number.isFinite(earliest) ? earliest : (rotation.sendByMs ?? Number.POSITIVE_INFINITY) + CLOCK_MARGIN_MS;
}

/** A key that our request may have brought, though that is not certain: reason enough not to ask again. */
export function isKeyPossiblyOurs(rotation: Rotation, look: Look): boolean {
  const key = newestOtherKey(rotation, look.keys);
  const earliestMs = acceptedAfterMs(rotation, look.graphBehindMs) ?? Number.NEGATIVE_INFINITY;
  return key !== undefined && key.createdAtMs >= earliestMs;
}
