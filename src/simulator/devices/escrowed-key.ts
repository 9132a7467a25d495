/** Keys in escrow: those a device starts with, and their numbering. Layer: simulator. */
import type { DeviceProfile } from './device-profile.ts';

export type KeyVolume = 'operatingSystemVolume' | 'fixedDataVolume' | 'removableDataVolume';

export interface EscrowedKey {
  /** Position among all keys ever escrowed for the device; also its paging cursor. */
  readonly ordinal: number;
  readonly keyId: string;
  readonly createdAtMs: number;
  readonly volume: KeyVolume;
  /** Added through Graph; no rotation brought it. */
  readonly added?: true;
}

/** After the last; pending keys that were dropped leave their places empty. */
export function nextOrdinal(base: number, known: readonly EscrowedKey[]): number {
  return Math.max(base, (known.at(-1)?.ordinal ?? -1) + 1);
}

/** How many keys a device starts with. */
export function initialKeyCount(profile: DeviceProfile): number {
  return profile.osKeys + profile.fixedKeys + profile.removableKeys;
}

/** Ordinals of the keys a device starts with: OS volume oldest first, then fixed, then removable. */
export function initialKey(profile: DeviceProfile, ordinal: number, keyId: string): EscrowedKey {
  const { osKeys, fixedKeys, newestKeyAtMs, keySpacingMs } = profile;
  if (ordinal < osKeys) {
    const createdAtMs = Math.floor(newestKeyAtMs - (osKeys - 1 - ordinal) * keySpacingMs);
    return { ordinal, keyId, createdAtMs, volume: 'operatingSystemVolume' };
  }
  const fixed = ordinal < osKeys + fixedKeys;
  // A little newer than the OS volume's, so that nobody proves a rotation by the wrong volume.
  const createdAtMs = Math.floor(newestKeyAtMs + (ordinal - osKeys + 1) * 60_000);
  return { ordinal, keyId, createdAtMs, volume: fixed ? 'fixedDataVolume' : 'removableDataVolume' };
}
