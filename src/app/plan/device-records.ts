/** Managed devices as compact records: ids, last sync, the reason why not, the name. Layer: app. */
import { type EligibilityRules, ineligibleBecause } from '../../domain/eligibility.ts';
import type { ManagedDevice } from '../../domain/managed-device.ts';
import { type Rotation, SKIP_REASONS, type SkipReason } from '../../domain/rotation.ts';
import type { Chunk } from './chunk-file.ts';
import { GUID_BYTES, writeGuid } from './guid-bytes.ts';

/** Offsets within a record: managed id, Entra id, last sync (float64), reason (0: eligible, else 1 + index), name length, name. */
export const RECORD = {
  managedId: 0,
  entraId: GUID_BYTES,
  lastSync: 32,
  reason: 40,
  nameLength: 41,
  name: 42,
} as const;
/** Longer names are cut: Windows allows 15 characters, Intune shows at most a few more. */
const NAME_BYTES = 255;

/** Decides each device's eligibility and packs it. */
export function encodeDevices(devices: readonly ManagedDevice[], rules: EligibilityRules): Uint8Array {
  const bytes = Buffer.allocUnsafe(devices.length * (RECORD.name + NAME_BYTES));
  let at = 0;
  for (const device of devices) {
    writeGuid(bytes, at + RECORD.managedId, device.managedDeviceId);
    writeGuid(bytes, at + RECORD.entraId, device.entraDeviceId);
    bytes.writeDoubleLE(device.lastSyncAtMs, at + RECORD.lastSync);
    bytes[at + RECORD.reason] = reasonCode(ineligibleBecause(device, rules));
    const written = bytes.write(device.deviceName, at + RECORD.name, NAME_BYTES, 'utf8');
    bytes[at + RECORD.nameLength] = written;
    at += RECORD.name + written;
  }
  // A copy, so that the unused rest of the buffer is not kept alive.
  return Buffer.from(bytes.subarray(0, at));
}

/** 0 stands for "none". */
export function reasonCode(reason: SkipReason | undefined): number {
  return reason === undefined ? 0 : SKIP_REASONS.indexOf(reason) + 1;
}

export function reasonOf(code: number): SkipReason | undefined {
  return code === 0 ? undefined : SKIP_REASONS[code - 1];
}

/** Rows of a run as device records, to look keys up for them. */
export function encodeRotationsAsDevices(rotations: readonly Rotation[]): Chunk {
  const bytes = Buffer.alloc(rotations.length * RECORD.name);
  for (const [i, rotation] of rotations.entries()) {
    const at = i * RECORD.name;
    writeGuid(bytes, at + RECORD.managedId, rotation.managedDeviceId);
    writeGuid(bytes, at + RECORD.entraId, rotation.entraDeviceId);
  }
  return { header: { count: rotations.length, startedAtMs: 0 }, body: bytes };
}
