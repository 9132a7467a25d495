/** When a device counts as rotated on its disk without a new key in escrow: the one rule of report, webhook and fleet. Pure. Layer: domain. */
import type { Rotation } from '../rotation.ts';

/** What decides it. */
export interface RotatedFacts {
  /** Intune's action result said done, at whichever look, whatever it says now. */
  readonly isDone: boolean;
  /** A key newer than the request is known to be in escrow. An imported one is none. */
  readonly hasNewerKey: boolean;
}

/** What a rotation's row in the ledger and its line of evidence both tell. */
export interface RotationTraces {
  readonly state: string;
  readonly wasConfirmed: boolean;
  readonly hasKeyAfter: boolean;
  readonly actionState: string | undefined;
  /** After its run gave up on it. */
  readonly lateState: string | undefined;
  readonly lateActionState: string | undefined;
}

/** True for the dangerous ones: whatever now unlocks the disk may be known to nobody. */
export function isRotatedWithoutKey({ isDone, hasNewerKey }: RotatedFacts): boolean {
  return isDone && !hasNewerKey;
}

/** A device that was seen done has rotated, even when its action failed, or the device was deleted, later on. */
export function rotatedFacts(traces: RotationTraces): RotatedFacts {
  const { state, lateState } = traces;
  return {
    isDone:
      state === 'confirmed' ||
      traces.wasConfirmed ||
      traces.actionState === 'done' ||
      lateState === 'confirmed' ||
      traces.lateActionState === 'done',
    hasNewerKey: state === 'proven' || traces.hasKeyAfter || lateState === 'proven',
  };
}

/** The traces of a row. */
export function tracesOf({ state, confirmedAtMs, keyAfterId, actionState, late }: Rotation): RotationTraces {
  return {
    state,
    wasConfirmed: confirmedAtMs !== undefined,
    hasKeyAfter: keyAfterId !== undefined,
    actionState,
    lateState: late?.state,
    lateActionState: late?.actionState,
  };
}

/** The same rule for a row of the ledger. */
export function hasRotatedWithoutKey(rotation: Rotation): boolean {
  return isRotatedWithoutKey(rotatedFacts(tracesOf(rotation)));
}
