/** Managed devices as compact records: ids, last sync, the reason why not, the name, and the URL form when it is not the plain one. Layer: app. */
import { type EligibilityRules, ineligibleBecause } from '../../domain/eligibility.ts';
import type { ManagedDevice } from '../../domain/managed-device.ts';
import { type Rotation, SKIP_REASONS, type SkipReason } from '../../domain/rotation.ts';
import type { RotationRoute } from '../../domain/targets.ts';
import type { Chunk } from './chunk-file.ts';
import { GUID_BYTES, writeGuid } from './guid-bytes.ts';
import { encodeRoute, routeSize } from './route-bytes.ts';

/** Offsets within a record: managed id, Entra id, last sync (float64), reason (0: eligible, else 1 + index; `HAS_ROUTE`), name length, name. */
export const RECORD = {
  managedId: 0,
  entraId: GUID_BYTES,
  lastSync: 32,
  reason: 40,
  nameLength: 41,
  name: 42,
} as const;
/** Set beside the reason when a route follows the name. */
export const HAS_ROUTE = 0x80;
/** Longer names are cut: Windows allows 15 characters, Intune shows at most a few more. */
const NAME_BYTES = 255;

/** A device, and the URL form it is asked by; absent: `managedDevices/{id}`. */
export interface RoutedDevice {
  readonly device: ManagedDevice;
  readonly route?: RotationRoute;
}

/** Decides each device's eligibility and packs it. */
export function encodeDevices(devices: readonly ManagedDevice[], rules: EligibilityRules): Uint8Array {
  return encodeRoutedDevices(
    devices.map((device) => ({ device })),
    rules,
  );
}

/** As `encodeDevices`, with the routes of those that have one. */
export function encodeRoutedDevices(devices: readonly RoutedDevice[], rules: EligibilityRules): Uint8Array {
  const routes = devices.map(({ route }) => (route === undefined ? undefined : encodeRoute(route)));
  const routeBytes = routes.reduce((sum, route) => sum + (route?.length ?? 0), 0);
  const bytes = Buffer.allocUnsafe(devices.length * (RECORD.name + NAME_BYTES) + routeBytes);
  let at = 0;
  for (const [i, { device }] of devices.entries()) {
    const route = routes[i];
    writeGuid(bytes, at + RECORD.managedId, device.managedDeviceId);
    writeGuid(bytes, at + RECORD.entraId, device.entraDeviceId);
    bytes.writeDoubleLE(device.lastSyncAtMs, at + RECORD.lastSync);
    bytes[at + RECORD.reason] = reasonCode(ineligibleBecause(device, rules)) | (route === undefined ? 0 : HAS_ROUTE);
    const written = bytes.write(device.deviceName, at + RECORD.name, NAME_BYTES, 'utf8');
    bytes[at + RECORD.nameLength] = written;
    at += RECORD.name + written;
    if (route === undefined) continue;
    bytes.set(route, at);
    at += route.length;
  }
  // A copy, so that the unused rest of the buffer is not kept alive.
  return Buffer.from(bytes.subarray(0, at));
}

/** Where the name of the record at `at` ends, and its route begins when it has one. */
export function nameEnd(bytes: Buffer, at: number): number {
  return at + RECORD.name + (bytes[at + RECORD.nameLength] as number);
}

/** Where the record after the one at `at` begins. */
export function recordEnd(bytes: Buffer, at: number): number {
  const end = nameEnd(bytes, at);
  return ((bytes[at + RECORD.reason] as number) & HAS_ROUTE) === 0 ? end : end + routeSize(bytes, end);
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
