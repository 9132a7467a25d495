import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EntraDeviceId, parseEntraDeviceId, parseRecoveryKeyId } from '../../src/domain/ids.ts';
import {
  KEY_COUNT_REFUSAL,
  KEY_COUNT_WARNING,
  KEYS_PER_DEVICE_CAP,
  newestOsKey,
  type RecoveryKey,
  type VolumeType,
} from '../../src/domain/recovery-key.ts';

const DEVICE = parseEntraDeviceId('aaaaaaaa-1111-4222-8333-444455556666') as EntraDeviceId;
const VOLUMES: readonly VolumeType[] = ['operatingSystemVolume', 'fixedDataVolume', 'removableDataVolume', 'unknown'];

const key = fc
  .record({ keyId: fc.uuid(), volumeType: fc.constantFrom(...VOLUMES), createdAtMs: fc.nat({ max: 5 }) })
  .map((k): RecoveryKey => ({ ...k, keyId: parseRecoveryKeyId(k.keyId), entraDeviceId: DEVICE }));

describe('newestOsKey', () => {
  it('is none without a key of the operating-system volume', () => {
    const others = VOLUMES.slice(1).map(
      (volumeType, i): RecoveryKey => ({
        keyId: parseRecoveryKeyId(`00000000-0000-4000-8000-00000000000${i + 1}`),
        entraDeviceId: DEVICE,
        volumeType,
        createdAtMs: i,
      }),
    );
    expect(newestOsKey([])).toBeUndefined();
    expect(newestOsKey(others)).toBeUndefined();
  });

  it('is a key of that volume that no other one is newer than', () => {
    fc.assert(
      fc.property(fc.array(key), (keys) => {
        const newest = newestOsKey(keys);
        const ofOs = keys.filter((k) => k.volumeType === 'operatingSystemVolume');
        if (newest === undefined) expect(ofOs).toEqual([]);
        else {
          expect(ofOs).toContain(newest);
          expect(Math.max(...ofOs.map((k) => k.createdAtMs))).toBe(newest.createdAtMs);
        }
      }),
    );
  });

  it('is the same in whatever order the keys are listed', () => {
    fc.assert(
      fc.property(
        fc
          .uniqueArray(key, { selector: (k) => k.keyId })
          .chain((keys) => fc.tuple(fc.constant(keys), fc.shuffledSubarray(keys, { minLength: keys.length }))),
        ([keys, shuffled]) => {
          expect(newestOsKey(shuffled)).toEqual(newestOsKey(keys));
        },
      ),
    );
  });
});

it('warns, then refuses, then hits the cap', () => {
  expect(KEY_COUNT_WARNING).toBeLessThan(KEY_COUNT_REFUSAL);
  expect(KEY_COUNT_REFUSAL).toBeLessThan(KEYS_PER_DEVICE_CAP);
});
