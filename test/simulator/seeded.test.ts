import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isGuid } from '../../src/domain/ids.ts';
import { CANARY_SECRETS } from '../../src/simulator/canary-secrets.ts';
import { createDeviceIdentity } from '../../src/simulator/devices/device-identity.ts';
import { createSeededRandom, guidOf } from '../../src/simulator/seeded-random.ts';

describe('seeded randomness', () => {
  it('repeats itself for the same seed and not for another', () => {
    const draw = (seed: number): number[] => {
      const random = createSeededRandom(seed);
      return Array.from({ length: 50 }, () => random.next());
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  it('spreads evenly over [0, 1)', () => {
    const random = createSeededRandom(3);
    const buckets = new Array<number>(10).fill(0);
    for (let i = 0; i < 20_000; i += 1) {
      const u = random.next();
      expect(u).toBeGreaterThanOrEqual(0);
      expect(u).toBeLessThan(1);
      buckets[Math.floor(u * 10)] = (buckets[Math.floor(u * 10)] ?? 0) + 1;
    }
    for (const count of buckets) expect(Math.abs(count - 2000)).toBeLessThan(200);
  });

  it('makes version-4 GUIDs, all different', () => {
    const random = createSeededRandom(4);
    const guids = Array.from({ length: 1000 }, () => random.guid());
    expect(new Set(guids).size).toBe(1000);
    for (const guid of guids) {
      expect(isGuid(guid)).toBe(true);
      expect(guid[14]).toBe('4');
      expect('89ab').toContain(guid[19]);
    }
  });

  it('writes the words of a GUID where they belong', () => {
    expect(guidOf(0x12345678, 0x9abcdef0, 0xffff1357, 0x02468ace)).toBe('12345678-9abc-4ef0-bfff-135702468ace');
  });
});

describe('device identity', () => {
  it('finds every device and key by its id again', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 24 }),
        fc.integer(),
        fc.integer({ min: 0, max: 1023 }),
        (index, seed, ordinal) => {
          const identity = createDeviceIdentity(seed);
          expect(identity.indexOfManagedDevice(identity.managedDeviceId(index).toUpperCase())).toBe(index);
          expect(identity.indexOfEntraDevice(identity.entraDeviceId(index))).toBe(index);
          expect(identity.ownerOfKey(identity.keyId(index, ordinal))).toEqual({ owner: index, ordinal });
          expect(isGuid(identity.managedDeviceId(index))).toBe(true);
        },
      ),
    );
  });

  it('knows no id it did not make', () => {
    const identity = createDeviceIdentity(1);
    expect(identity.indexOfManagedDevice(identity.entraDeviceId(5))).toBeUndefined();
    expect(identity.indexOfEntraDevice('00000000-0000-0000-0000-000000000000')).toBeUndefined();
    expect(identity.indexOfManagedDevice('no guid at all')).toBeUndefined();
    expect(identity.ownerOfKey(identity.managedDeviceId(5))).toBeUndefined();
  });

  it('scrambles indices without collisions', () => {
    const identity = createDeviceIdentity(1);
    const scrambled = Array.from({ length: 20_000 }, (_, index) => identity.scrambled(index));
    expect(new Set(scrambled).size).toBe(20_000);
  });
});

describe('canary secrets', () => {
  it.each(CANARY_SECRETS)('%s is a well-formed recovery password', (secret) => {
    const groups = secret.split('-');
    expect(groups).toHaveLength(8);
    for (const group of groups) {
      expect(group).toMatch(/^\d{6}$/);
      expect(Number(group) % 11).toBe(0);
      expect(Number(group)).toBeLessThan(720_896);
    }
  });
});
