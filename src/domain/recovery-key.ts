/** Recovery-key metadata. There is no field for the recovery password here, on purpose. Layer: domain. */
import type { EntraDeviceId, RecoveryKeyId } from './ids.ts';

/** Which volume a key opens. `unknown` covers members Graph may add. */
export type VolumeType = 'operatingSystemVolume' | 'fixedDataVolume' | 'removableDataVolume' | 'unknown';

/** One escrowed recovery key: when and for what, never the recovery password. */
export interface RecoveryKey {
  readonly keyId: RecoveryKeyId;
  readonly entraDeviceId: EntraDeviceId;
  readonly volumeType: VolumeType;
  /** Entra's clock. */
  readonly createdAtMs: number;
}

/**
 * Entra keeps at most 200 recovery keys per device; at the cap escrow fails and Graph cannot delete keys.
 * Source: Microsoft Entra device documentation, "Manage devices: BitLocker keys" (read 2026-11-22).
 */
export const KEYS_PER_DEVICE_CAP = 200;
/** Warn from here. Chosen: 20 rotations before the cap. */
export const KEY_COUNT_WARNING = 180;
/** Refuse from here. Chosen: five below the cap, since fixed volumes escrow in the same rotation. */
export const KEY_COUNT_REFUSAL = 195;

/** The newest key of `keys` for the operating-system volume, if any; of equally old ones the greatest id, so that the answer is stable. */
export function newestOsKey(keys: readonly RecoveryKey[]): RecoveryKey | undefined {
  let newest: RecoveryKey | undefined;
  for (const key of keys) {
    if (key.volumeType !== 'operatingSystemVolume') continue;
    if (
      newest === undefined ||
      key.createdAtMs > newest.createdAtMs ||
      (key.createdAtMs === newest.createdAtMs && key.keyId > newest.keyId)
    ) {
      newest = key;
    }
  }
  return newest;
}
