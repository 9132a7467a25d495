/** What escrow now says of a device that was asked: dangerous, silent, or neither. Pure. Layer: domain. */
import { isRotatedWithoutKey } from './rotated-without-key.ts';

/**
 * - `rotatedWithoutKey`: the action is done, and no newer key is in escrow. Whatever now unlocks the disk may be known to nobody.
 * - `neverAnswered`: asked, given up on by its run, and nothing was heard of it since.
 */
export const DEVICE_STANDINGS = ['rotatedWithoutKey', 'neverAnswered'] as const;
export type DeviceStanding = (typeof DEVICE_STANDINGS)[number];

/** What the ledger knows of the last request. All instants are ms since the epoch. */
export interface AskedFacts {
  /** A key created later is newer than the request. */
  readonly afterMs: number;
  /** The newest key known before the request; it never counts as newer. */
  readonly keyBeforeId?: string;
  /** Intune's action result says done. */
  readonly isDone: boolean;
  /** Its run looks at it no more. */
  readonly isGivenUp: boolean;
}

/** The newest OS-volume key in escrow now. */
export interface NewestKey {
  readonly keyId: string;
  readonly createdAtMs: number;
  /** Put or changed by `keyturn escrow`: it tells nothing of a rotation, and one that does may hide behind it. */
  readonly isImported: boolean;
}

/** `undefined`: a newer key is in escrow, or its run still looks. An imported key never makes a device safe; a rotation with proof does. */
export function deviceStanding(asked: AskedFacts, newest: NewestKey | undefined): DeviceStanding | undefined {
  const hasNewerKey = newest !== undefined && isNewer(asked, newest);
  if (isRotatedWithoutKey({ isDone: asked.isDone, hasNewerKey })) return 'rotatedWithoutKey';
  return asked.isGivenUp && !hasNewerKey ? 'neverAnswered' : undefined;
}

function isNewer({ afterMs, keyBeforeId }: AskedFacts, { keyId, createdAtMs, isImported }: NewestKey): boolean {
  return createdAtMs > afterMs && keyId !== keyBeforeId && !isImported;
}
