import { describe, expect, it } from 'vitest';
import { ineligibleBecause } from '../../src/domain/eligibility.ts';
import { type ManagedDeviceId, parseEntraDeviceId } from '../../src/domain/ids.ts';
import { DEVICE_KINDS, type DeviceKind, MIXED_BLOCK, reasonOf } from '../../src/simulator/devices/device-kind.ts';
import type { DeviceProfile } from '../../src/simulator/devices/device-profile.ts';
import { createFleet, type Fleet } from '../../src/simulator/devices/fleet.ts';
import { START_MS } from './harness.ts';

const DAY = 86_400_000;
const mixed = (devices: number, seed = 1): Fleet => createFleet({ seed, devices, fleet: 'mixed', startMs: START_MS });

function* profiles(fleet: Fleet): Iterable<DeviceProfile> {
  for (let index = 0; index < fleet.size; index += 1) yield fleet.profile(index);
}

/** What Keyturn's own rules say of the device. */
function skipReason(profile: DeviceProfile): string {
  const device = {
    ...profile,
    managedDeviceId: profile.managedDeviceId as ManagedDeviceId,
    entraDeviceId: parseEntraDeviceId(profile.entraDeviceId),
  };
  return ineligibleBecause(device, { nowMs: START_MS, seenWithinMs: 14 * DAY, isExcluded: () => false }) ?? 'none';
}

describe('a mixed fleet', () => {
  it('holds every kind, also when it is small', () => {
    const kinds = new Set([...profiles(mixed(400))].map(({ kind }) => kind));
    expect(DEVICE_KINDS.filter((kind) => !kinds.has(kind))).toEqual([]);
    expect(MIXED_BLOCK).toHaveLength(200);
    for (const kind of DEVICE_KINDS) expect(reasonOf(kind)).not.toBe('');
  });

  it('is the same for the same seed and another for another', () => {
    expect([...profiles(mixed(300, 5))]).toEqual([...profiles(mixed(300, 5))]);
    expect([...profiles(mixed(300, 5))]).not.toEqual([...profiles(mixed(300, 6))]);
  });

  it.each<[DeviceKind, string]>([
    ['otherPlatform', 'notWindows'],
    ['osTooOld', 'osTooOld'],
    ['notEncrypted', 'notEncrypted'],
    ['retirePending', 'notManaged'],
    ['agentUnsupported', 'notManaged'],
    ['enrollmentUnsupported', 'enrollmentTypeUnsupported'],
    ['notSeen', 'notSeenRecently'],
    ['noEntraId', 'noEntraDeviceId'],
    ['online', 'none'],
    ['asleep', 'none'],
    ['coManaged', 'none'],
    ['severalVolumes', 'none'],
    ['offline', 'none'],
    ['policyMissing', 'none'],
    ['policyPending', 'none'],
    ['escrowFailing', 'none'],
    ['deviceFailed', 'none'],
    ['notSupported', 'none'],
    ['keyCap', 'none'],
    ['keyYoung', 'none'],
  ])('%s devices are skipped for the reason %s', (kind, reason) => {
    const ofKind = [...profiles(mixed(2_000))].filter((profile) => profile.kind === kind);
    expect(ofKind.length).toBeGreaterThan(0);
    expect(new Set(ofKind.map(skipReason))).toEqual(new Set([reason]));
  });

  it('gives a second record the Entra device id, name and keys of the device before it', () => {
    const fleet = mixed(2_000);
    const duplicates = [...profiles(fleet)].filter(({ kind }) => kind === 'duplicateRecord');
    expect(duplicates.length).toBeGreaterThan(5);
    for (const second of duplicates) {
      const first = fleet.profile(second.owner);
      expect(second.owner).toBe(second.index - 1);
      expect(second.entraDeviceId).toBe(first.entraDeviceId);
      expect(second.deviceName).toBe(first.deviceName);
      expect(second.managedDeviceId).not.toBe(first.managedDeviceId);
      expect(second.lastSyncAtMs).toBeLessThan(first.lastSyncAtMs);
      expect(fleet.recordsOf(first.index)).toEqual([first.index, second.index]);
    }
  });

  it('has unique ids and, but for second records, unique names', () => {
    const all = [...profiles(mixed(5_000))];
    expect(new Set(all.map(({ managedDeviceId }) => managedDeviceId)).size).toBe(5_000);
    const firsts = all.filter(({ kind }) => kind !== 'duplicateRecord');
    expect(new Set(firsts.map(({ deviceName }) => deviceName)).size).toBe(firsts.length);
  });

  it('has few keys younger than a week and most between a month and a year old', () => {
    const withKeys = [...profiles(mixed(2_000))].filter(({ osKeys }) => osKeys > 0);
    const ages = withKeys.map(({ newestKeyAtMs }) => (START_MS - newestKeyAtMs) / DAY);
    const share = (from: number, to: number): number =>
      ages.filter((age) => age >= from && age < to).length / ages.length;
    expect(share(0, 7)).toBeGreaterThan(0.02);
    expect(share(0, 7)).toBeLessThan(0.1);
    expect(share(30, 401)).toBeGreaterThan(0.85);
  });
});

describe('a healthy fleet', () => {
  it('holds only devices that are due', () => {
    const fleet = createFleet({ seed: 2, devices: 1_000, fleet: 'healthy', startMs: START_MS });
    for (const profile of profiles(fleet)) {
      expect(skipReason(profile)).toBe('none');
      expect(profile.osKeys).toBeGreaterThan(0);
      expect(START_MS - profile.newestKeyAtMs).toBeGreaterThan(90 * DAY);
    }
  });
});

describe('a listed fleet', () => {
  const listed = (devices: Parameters<typeof createFleet>[0]['devices']): Fleet =>
    createFleet({ seed: 1, devices, fleet: 'mixed', startMs: START_MS });

  it('takes what the test says and seeds the rest', () => {
    const fleet = listed([
      { name: "O'Neill-1", keyAgeDays: 3, osKeys: 4, checkInDelayMs: 60_000, lastSyncAgoMs: 5_000 },
      { kind: 'deviceFailed', errorCode: -5 },
    ]);
    expect(fleet.profile(0)).toMatchObject({
      deviceName: "O'Neill-1",
      kind: 'online',
      behaviour: 'rotates',
      osKeys: 4,
      newestKeyAtMs: START_MS - 3 * DAY,
      lastSyncAtMs: START_MS - 5_000,
      checkInDelayMs: 60_000,
    });
    expect(fleet.profile(1)).toMatchObject({ behaviour: 'fails', errorCode: -5 });
    expect(fleet.indexOfManagedDevice(fleet.profile(1).managedDeviceId)).toBe(1);
  });

  it('makes two specs with one Entra device id two records of one device', () => {
    const entraDeviceId = '11111111-2222-4333-8444-555555555555';
    const fleet = listed([{ entraDeviceId }, {}, { entraDeviceId: entraDeviceId.toUpperCase() }]);
    expect(fleet.recordsOf(0)).toEqual([0, 2]);
    expect(fleet.ownerOf(2)).toBe(0);
    expect(fleet.ownerOfEntraDevice(entraDeviceId)).toBe(0);
  });

  it('refuses one managed device id for two devices', () => {
    const managedDeviceId = '11111111-2222-4333-8444-555555555555';
    expect(() => listed([{ managedDeviceId }, { managedDeviceId }])).toThrow(managedDeviceId);
  });

  it.each([-1, 1.5, Number.NaN, 2 ** 24 + 1])('refuses %d devices', (devices) => {
    expect(() => mixed(devices)).toThrow(RangeError);
  });
});
