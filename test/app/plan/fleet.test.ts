import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Chunk, decodeChunk, encodeChunk } from '../../../src/app/plan/chunk-file.ts';
import {
  encodeDevices,
  encodeRotationsAsDevices,
  encodeRoutedDevices,
  reasonCode,
  reasonOf,
} from '../../../src/app/plan/device-records.ts';
import { createFleet } from '../../../src/app/plan/fleet.ts';
import { encodeKeys } from '../../../src/app/plan/key-records.ts';
import { type EligibilityRules, ineligibleBecause } from '../../../src/domain/eligibility.ts';
import type { ManagedDevice } from '../../../src/domain/managed-device.ts';
import { newestOsKey, type RecoveryKey } from '../../../src/domain/recovery-key.ts';
import { SKIP_REASONS } from '../../../src/domain/rotation.ts';
import { anyRoute } from '../../storage/arbitraries.ts';
import { DAY_MS, device, entraId, key, managedId, START_MS } from './planning.ts';

const RULES: EligibilityRules = { nowMs: START_MS, seenWithinMs: 14 * DAY_MS, isExcluded: (d) => d.deviceName === 'X' };

/** In files of so many records, through the real file form. */
function inChunks<T>(items: readonly T[], size: number, encode: (part: readonly T[]) => Uint8Array): readonly Chunk[] {
  const chunks: Chunk[] = [];
  for (let at = 0; at < items.length; at += size) {
    const part = items.slice(at, at + size);
    chunks.push(decodeChunk(encodeChunk({ count: part.length, startedAtMs: 0 }, [encode(part)])));
  }
  return chunks;
}
const fleetOf = (devices: readonly ManagedDevice[], size = 1_000) =>
  createFleet(inChunks(devices, size, (part) => encodeDevices(part, RULES)));

interface Row {
  readonly device: ManagedDevice;
  readonly reason: string | undefined;
}

/** The same in words: the first listing of a record counts; of those with one Entra device id, the latest synced, of equals the first. */
function reference(listed: readonly ManagedDevice[]): readonly Row[] {
  const records = listed.filter(
    (one, i) => listed.findIndex((other) => other.managedDeviceId === one.managedDeviceId) === i,
  );
  return records.map((one) => {
    const same = records.filter(
      (other) => one.entraDeviceId !== undefined && other.entraDeviceId === one.entraDeviceId,
    );
    const latest = Math.max(...same.map((other) => other.lastSyncAtMs));
    const counts = same.length === 0 || same.find((other) => other.lastSyncAtMs === latest) === one;
    return { device: one, reason: counts ? ineligibleBecause(one, RULES) : 'duplicateRecord' };
  });
}

const anyDevice = fc
  .record({
    n: fc.integer({ min: 1, max: 12 }),
    entra: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined, freq: 6 }),
    syncedDaysAgo: fc.nat({ max: 16 }),
    name: fc.constantFrom('LT-1', 'X', 'Büro', ''),
    isEncrypted: fc.boolean(),
  })
  .map(({ n, entra, syncedDaysAgo, name, isEncrypted }) =>
    device(n, {
      entraDeviceId: entra === undefined ? undefined : entraId(entra),
      lastSyncAtMs: START_MS - syncedDaysAgo * DAY_MS,
      deviceName: name,
      isEncrypted,
    }),
  );
const anyKey = fc
  .tuple(fc.integer({ min: 1, max: 99 }), fc.integer({ min: 1, max: 10 }), fc.nat({ max: 4 }), fc.boolean())
  .map(([n, of, age, isOs]) => key(n, of, age, isOs ? 'operatingSystemVolume' : 'fixedDataVolume'));

describe('createFleet', () => {
  it('remembers the URL form each record was first listed with, whatever the pages and files', () => {
    const routed = fc.record({ device: anyDevice, route: anyRoute }, { requiredKeys: ['device'] });
    fc.assert(
      fc.property(fc.array(routed, { maxLength: 30 }), fc.integer({ min: 1, max: 7 }), (listed, size) => {
        const fleet = createFleet(inChunks(listed, size, (part) => encodeRoutedDevices(part, RULES)));
        const plain = fleetOf(listed.map((one) => one.device));
        expect(fleet.size).toBe(plain.size);
        for (let d = 0; d < fleet.size; d++) {
          const first = listed.find((one) => one.device.managedDeviceId === fleet.managedDeviceId(d));
          expect(fleet.route(d)).toEqual(first?.route);
          expect([fleet.managedDeviceId(d), fleet.name(d), fleet.ineligible(d), fleet.lastSyncAtMs(d)]).toEqual([
            plain.managedDeviceId(d),
            plain.name(d),
            plain.ineligible(d),
            plain.lastSyncAtMs(d),
          ]);
        }
      }),
    );
  });

  it('takes no more room for a record without a route than before there were routes', () => {
    const devices = [device(1), device(2, { deviceName: 'Büro' })];
    expect(encodeDevices(devices, RULES)).toHaveLength(2 * 42 + Buffer.byteLength('LT-1Büro'));
  });

  it('leaves out every record of the devices it is told to', () => {
    const devices = [
      device(1),
      device(2),
      device(3, { entraDeviceId: entraId(1) }),
      device(4, { entraDeviceId: undefined }),
    ];
    const chunk = { header: { count: 4, startedAtMs: 0 }, body: encodeDevices(devices, RULES) };
    const fleet = createFleet([chunk], new Set([entraId(1)]));
    expect([fleet.size, fleet.managedDeviceId(0), fleet.managedDeviceId(1)]).toEqual([2, managedId(2), managedId(4)]);
    expect(fleet.find(entraId(1))).toBe(-1);
  });

  it('merges like a naive reference, whatever the pages, files and repetitions', () => {
    fc.assert(
      fc.property(fc.array(anyDevice, { maxLength: 30 }), fc.integer({ min: 1, max: 7 }), (listed, size) => {
        const fleet = fleetOf(listed, size);
        const rows = Array.from({ length: fleet.size }, (_, d) => ({
          managedDeviceId: fleet.managedDeviceId(d),
          entraDeviceId: fleet.entraDeviceId(d),
          deviceName: fleet.name(d),
          lastSyncAtMs: fleet.lastSyncAtMs(d),
          reason: fleet.ineligible(d),
        }));
        expect(rows).toEqual(
          reference(listed).map(({ device: one, reason }) => ({
            managedDeviceId: one.managedDeviceId,
            entraDeviceId: one.entraDeviceId,
            deviceName: one.deviceName,
            lastSyncAtMs: one.lastSyncAtMs,
            reason,
          })),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('finds the record that counts, and only it', () => {
    fc.assert(
      fc.property(fc.array(anyDevice, { maxLength: 30 }), (listed) => {
        const fleet = fleetOf(listed);
        const rows = reference(listed);
        for (let n = 1; n <= 10; n++) {
          const expected = rows.findIndex(
            (row) => row.device.entraDeviceId === entraId(n) && row.reason !== 'duplicateRecord',
          );
          expect(fleet.find(entraId(n))).toBe(expected);
        }
      }),
    );
  });

  it('gives each device that counts its newest OS-volume key and the number of all its keys', () => {
    fc.assert(
      fc.property(
        fc.array(anyDevice, { maxLength: 20 }),
        fc.uniqueArray(anyKey, { selector: (k) => k.keyId, maxLength: 40 }),
        fc.integer({ min: 1, max: 7 }),
        (listed, keys, size) => {
          const fleet = fleetOf(listed);
          for (const chunk of inChunks<RecoveryKey>(keys, size, encodeKeys)) fleet.addKeys(chunk);
          for (let d = 0; d < fleet.size; d++) {
            const id = fleet.entraDeviceId(d);
            const counts = id !== undefined && fleet.ineligible(d) !== 'duplicateRecord';
            const own = counts ? keys.filter((one) => one.entraDeviceId === id) : [];
            const newest = newestOsKey(own);
            expect(fleet.keyCount(d)).toBe(own.length);
            expect(fleet.newestKeyAtMs(d)).toBe(newest?.createdAtMs);
            expect(fleet.newestKeyId(d)).toBe(newest?.keyId);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('counts keys once that pages repeat, in one chunk or in the next', () => {
    const fleet = fleetOf([device(1)]);
    const keys = Array.from({ length: 120 }, (_, i) => key(i + 1, 1, 5));
    const listed = [...keys, ...keys, ...keys.slice(0, 10)];
    for (const chunk of inChunks(listed, 100, encodeKeys)) fleet.addKeys(chunk);
    expect(fleet.keyCount(0)).toBe(120);
  });

  it('is empty when nothing was listed', () => {
    const fleet = fleetOf([]);
    expect(fleet.size).toBe(0);
    expect(fleet.find(entraId(1))).toBe(-1);
  });

  it('looks keys up for the rows of a run', () => {
    const row = {
      order: 0,
      managedDeviceId: managedId(1),
      entraDeviceId: entraId(1),
      deviceName: 'LT-1',
      state: 'planned',
      attempt: 0,
    } as const;
    const fleet = createFleet([
      encodeRotationsAsDevices([row, { ...row, order: 1, managedDeviceId: managedId(2), entraDeviceId: entraId(2) }]),
    ]);
    for (const chunk of inChunks([key(1, 2, 5), key(2, 2, 3), key(3, 9, 1)], 2, encodeKeys)) fleet.addKeys(chunk);
    expect(fleet.newestKeyId(fleet.find(entraId(1)))).toBeUndefined();
    expect(fleet.newestKeyId(fleet.find(entraId(2)))).toBe(key(2, 2, 3).keyId);
  });
});

it('a reason survives as its number, and 0 means none', () => {
  for (const reason of [undefined, ...SKIP_REASONS]) expect(reasonOf(reasonCode(reason))).toBe(reason);
  expect(reasonCode(undefined)).toBe(0);
});
