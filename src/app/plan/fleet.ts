/** The whole fleet in memory, compactly: about 110 bytes a device. Devices that appear twice are merged. Layer: app. */
import type { EntraDeviceId, ManagedDeviceId, RecoveryKeyId } from '../../domain/ids.ts';
import type { SkipReason } from '../../domain/rotation.ts';
import type { RotationRoute } from '../../domain/targets.ts';
import type { Chunk } from './chunk-file.ts';
import { HAS_ROUTE, nameEnd, RECORD, reasonCode, reasonOf, recordEnd } from './device-records.ts';
import { GUID_BYTES, readGuid, writeGuid } from './guid-bytes.ts';
import { createGuidTable } from './guid-table.ts';
import { KEY_RECORD } from './key-records.ts';
import { createRecentGuids } from './recent-guids.ts';
import { readRoute } from './route-bytes.ts';

/** A key that is listed again within so many is counted once. Chosen: several pages of a thousand; all keys of a large fleet would not fit. */
const KEYS_REMEMBERED = 4_096;

/** Devices are numbered from 0. */
export interface Fleet {
  readonly size: number;
  managedDeviceId(device: number): ManagedDeviceId;
  entraDeviceId(device: number): EntraDeviceId | undefined;
  name(device: number): string;
  lastSyncAtMs(device: number): number;
  /** The URL form it is asked by; `undefined`: the plain one. */
  route(device: number): RotationRoute | undefined;
  /** Why it cannot be asked, apart from its keys and claim. */
  ineligible(device: number): SkipReason | undefined;
  /** The device that counts for that Entra device id, or −1. */
  find(id: EntraDeviceId): number;
  /** Newest OS-volume key, `undefined` when escrow holds none. */
  newestKeyAtMs(device: number): number | undefined;
  newestKeyId(device: number): RecoveryKeyId | undefined;
  /** Below 0 when the newest key of `a` is the older one; no key is older than any. */
  compareKeyAges(a: number, b: number): number;
  /** Keys of all volumes. */
  keyCount(device: number): number;
  /** What a page repeats of itself, or of one shortly before, counts once. */
  addKeys(chunk: Chunk): void;
}

/**
 * Two records with one Entra device id are one device: the latest synced counts, the other becomes `duplicateRecord`.
 * A record listed twice counts once, as it was listed first. Records of the devices in `leftOut` are no part of the fleet.
 */
export function createFleet(chunks: readonly Chunk[], leftOut: ReadonlySet<EntraDeviceId> = new Set()): Fleet {
  const capacity = chunks.reduce((sum, chunk) => sum + chunk.header.count, 0);
  const chunkOf = new Uint32Array(capacity);
  const offsetOf = new Uint32Array(capacity);
  const reasons = new Uint8Array(capacity);
  const keyAt = new Float64Array(capacity).fill(Number.NaN);
  const keyIds = new Uint8Array(capacity * GUID_BYTES);
  const keyCounts = new Uint16Array(capacity);
  let size = 0;

  const bodyOf = (device: number): Buffer => (chunks[chunkOf[device] as number] as Chunk).body as Buffer;
  const field = (device: number, offset: number): number => (offsetOf[device] as number) + offset;
  const byManaged = createGuidTable(capacity, (d) => ({ bytes: bodyOf(d), offset: field(d, RECORD.managedId) }));
  const byEntra = createGuidTable(capacity, (d) => ({ bytes: bodyOf(d), offset: field(d, RECORD.entraId) }));
  const lastSync = (device: number): number => bodyOf(device).readDoubleLE(field(device, RECORD.lastSync));
  const duplicate = reasonCode('duplicateRecord');
  const withoutEntraId = reasonCode('noEntraDeviceId');

  for (const [number, chunk] of chunks.entries()) {
    const body = chunk.body as Buffer;
    for (let at = 0; at < body.length; at = recordEnd(body, at)) {
      if (byManaged.find(body, at + RECORD.managedId) >= 0) continue;
      if (leftOut.size > 0 && leftOut.has(readGuid(body, at + RECORD.entraId) as EntraDeviceId)) continue;
      const device = size++;
      chunkOf[device] = number;
      offsetOf[device] = at;
      reasons[device] = (body[at + RECORD.reason] as number) & ~HAS_ROUTE;
      byManaged.set(device);
      if (readGuid(body, at + RECORD.entraId) === undefined) {
        if (reasons[device] === 0) reasons[device] = withoutEntraId;
        continue;
      }
      const other = byEntra.find(body, at + RECORD.entraId);
      if (other < 0) byEntra.set(device);
      else if (lastSync(other) >= lastSync(device)) reasons[device] = duplicate;
      else {
        reasons[other] = duplicate;
        byEntra.set(device);
      }
    }
  }

  const probe = new Uint8Array(GUID_BYTES);
  const recentKeys = createRecentGuids(KEYS_REMEMBERED);
  return {
    size,
    managedDeviceId: (d) => readGuid(bodyOf(d), field(d, RECORD.managedId)) as ManagedDeviceId,
    entraDeviceId: (d) => readGuid(bodyOf(d), field(d, RECORD.entraId)) as EntraDeviceId | undefined,
    name: (d) => bodyOf(d).toString('utf8', field(d, RECORD.name), nameEnd(bodyOf(d), field(d, 0))),
    lastSyncAtMs: lastSync,
    route: (d) => {
      const body = bodyOf(d);
      const isRouted = ((body[field(d, RECORD.reason)] as number) & HAS_ROUTE) !== 0;
      return isRouted ? readRoute(body, nameEnd(body, field(d, 0))) : undefined;
    },
    ineligible: (d) => reasonOf(reasons[d] as number),
    find: (id) => {
      writeGuid(probe, 0, id);
      return byEntra.find(probe, 0);
    },
    newestKeyAtMs: (d) => (Number.isNaN(keyAt[d] as number) ? undefined : keyAt[d]),
    newestKeyId: (d) => readGuid(keyIds, d * GUID_BYTES) as RecoveryKeyId | undefined,
    compareKeyAges: (a, b) => {
      const atA = keyAt[a] as number;
      const atB = keyAt[b] as number;
      if (Number.isNaN(atA) || Number.isNaN(atB)) return Number(Number.isNaN(atB)) - Number(Number.isNaN(atA));
      return atA < atB ? -1 : Number(atA > atB);
    },
    keyCount: (d) => keyCounts[d] as number,
    addKeys: (chunk) => {
      const body = chunk.body as Buffer;
      for (let at = 0; at < body.length; at += KEY_RECORD.size) {
        const device = byEntra.find(body, at + KEY_RECORD.entraId);
        if (device < 0 || !recentKeys.isNew(body, at + KEY_RECORD.keyId)) continue;
        keyCounts[device] = Math.min(0xffff, (keyCounts[device] as number) + 1);
        if (body[at + KEY_RECORD.isOs] !== 1) continue;
        const createdAtMs = body.readDoubleLE(at + KEY_RECORD.created);
        const known = keyAt[device] as number;
        if (createdAtMs < known) continue;
        const keyId = body.subarray(at + KEY_RECORD.keyId, at + KEY_RECORD.keyId + GUID_BYTES);
        const knownId = keyIds.subarray(device * GUID_BYTES, (device + 1) * GUID_BYTES);
        // Of equally old ones the greatest id, as `newestOsKey` has it, whatever order they are listed in.
        if (createdAtMs === known && Buffer.compare(keyId, knownId) < 0) continue;
        keyAt[device] = createdAtMs;
        keyIds.set(keyId, device * GUID_BYTES);
      }
    },
  };
}
