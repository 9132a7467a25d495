/** Recovery-key metadata as compact records. Layer: app. */
import type { RecoveryKey } from '../../domain/recovery-key.ts';
import { GUID_BYTES, writeGuid } from './guid-bytes.ts';

/** Offsets within a record: device, key id, created (float64), 1 for the OS volume. */
export const KEY_RECORD = { entraId: 0, keyId: GUID_BYTES, created: 32, isOs: 40, size: 41 } as const;

export function encodeKeys(keys: readonly RecoveryKey[]): Uint8Array {
  const bytes = Buffer.alloc(keys.length * KEY_RECORD.size);
  let at = 0;
  for (const key of keys) {
    writeGuid(bytes, at + KEY_RECORD.entraId, key.entraDeviceId);
    writeGuid(bytes, at + KEY_RECORD.keyId, key.keyId);
    bytes.writeDoubleLE(key.createdAtMs, at + KEY_RECORD.created);
    bytes[at + KEY_RECORD.isOs] = key.volumeType === 'operatingSystemVolume' ? 1 : 0;
    at += KEY_RECORD.size;
  }
  return bytes;
}
