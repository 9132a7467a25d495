/** The committed plan as compact rows: what the ledger's rows are written from, however often. Layer: app. */
import type { EntraDeviceId, ManagedDeviceId, RecoveryKeyId } from '../../domain/ids.ts';
import type { Rotation } from '../../domain/rotation.ts';
import { reasonCode, reasonOf } from './device-records.ts';
import { GUID_BYTES, readGuid, writeGuid } from './guid-bytes.ts';
import { encodeRoute, readRoute, routeSize } from './route-bytes.ts';

/** Everything a row of the plan says. */
export type PlannedRotation = Pick<
  Rotation,
  | 'entraDeviceId'
  | 'managedDeviceId'
  | 'deviceName'
  | 'route'
  | 'skipReason'
  | 'canary'
  | 'keyBeforeId'
  | 'keyBeforeAtMs'
  | 'keyCount'
> & { readonly state: 'planned' | 'notDue' | 'skipped' };

const ROW = {
  managedId: 0,
  entraId: GUID_BYTES,
  keyId: 32,
  keyAt: 48,
  keyCount: 56,
  state: 58,
  reason: 59,
  nameLength: 60,
  name: 61,
} as const;
const STATES = ['planned', 'notDue', 'skipped'] as const;
/** Beside the state. */
const CANARY = 0x80;
/** Beside the state: a route follows the name. */
const ROUTED = 0x40;

/** Names come from the fleet's records, which hold at most 255 bytes. Only a row with a route takes room for one. */
export function encodePlanRows(rows: readonly PlannedRotation[]): Uint8Array {
  const routes = rows.map(({ route }) => (route === undefined ? undefined : encodeRoute(route)));
  const routeBytes = routes.reduce((sum, route) => sum + (route?.length ?? 0), 0);
  const bytes = Buffer.allocUnsafe(rows.length * (ROW.name + 255) + routeBytes);
  let at = 0;
  for (const [i, row] of rows.entries()) {
    const route = routes[i];
    writeGuid(bytes, at + ROW.managedId, row.managedDeviceId);
    writeGuid(bytes, at + ROW.entraId, row.entraDeviceId);
    writeGuid(bytes, at + ROW.keyId, row.keyBeforeId);
    bytes.writeDoubleLE(row.keyBeforeAtMs ?? Number.NaN, at + ROW.keyAt);
    bytes.writeUInt16LE(row.keyCount ?? 0, at + ROW.keyCount);
    bytes[at + ROW.state] = STATES.indexOf(row.state) | (row.canary ? CANARY : 0) | (route === undefined ? 0 : ROUTED);
    bytes[at + ROW.reason] = reasonCode(row.skipReason);
    const written = bytes.write(row.deviceName, at + ROW.name, 255, 'utf8');
    bytes[at + ROW.nameLength] = written;
    at += ROW.name + written;
    if (route === undefined) continue;
    bytes.set(route, at);
    at += route.length;
  }
  return Buffer.from(bytes.subarray(0, at));
}

/** The ledger's rows, numbered from `firstOrder`. */
export function decodePlanRows(file: Uint8Array, firstOrder: number): readonly Rotation[] {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const rotations: Rotation[] = [];
  for (let at = 0; at < bytes.length; ) {
    const flags = bytes[at + ROW.state] as number;
    const nameEnd = at + ROW.name + (bytes[at + ROW.nameLength] as number);
    const isRouted = (flags & ROUTED) !== 0;
    const entraDeviceId = readGuid(bytes, at + ROW.entraId) as EntraDeviceId | undefined;
    const skipReason = reasonOf(bytes[at + ROW.reason] as number);
    const keyBeforeId = readGuid(bytes, at + ROW.keyId) as RecoveryKeyId | undefined;
    const keyBeforeAtMs = bytes.readDoubleLE(at + ROW.keyAt);
    rotations.push({
      order: firstOrder + rotations.length,
      managedDeviceId: readGuid(bytes, at + ROW.managedId) as ManagedDeviceId,
      deviceName: bytes.toString('utf8', at + ROW.name, nameEnd),
      state: STATES[flags & ~(CANARY | ROUTED)] ?? 'skipped',
      attempt: 0,
      keyCount: bytes.readUInt16LE(at + ROW.keyCount),
      ...(entraDeviceId === undefined ? {} : { entraDeviceId }),
      ...(skipReason === undefined ? {} : { skipReason }),
      ...(flags & CANARY ? { canary: true as const } : {}),
      ...(keyBeforeId === undefined || Number.isNaN(keyBeforeAtMs) ? {} : { keyBeforeId, keyBeforeAtMs }),
      ...(isRouted ? { route: readRoute(bytes, nameEnd) } : {}),
    });
    at = isRouted ? nameEnd + routeSize(bytes, nameEnd) : nameEnd;
  }
  return rotations;
}
