import { describe, expect, it } from 'vitest';
import { MAX_DEQUEUE_COUNT } from '../../support/world.ts';
import { expectHonest } from './expect-honest.ts';
import { errorMessages, FLEET_SIZE, runWith, statesOf } from './fault-world.ts';
import { KEY_PART, LISTING_DEVICES, LISTING_KEYS, type Place } from './places.ts';

const LISTINGS: readonly (readonly [string, Place])[] = [
  ['devices', LISTING_DEVICES],
  ['keys', LISTING_KEYS],
];

describe('a nextLink that must not be followed', () => {
  const LINKS = [
    ['loop', 'it was followed before, so the listing would never end'],
    ['otherHost', 'it leaves the Graph host'],
    ['otherVersion', 'it leaves /v1.0/'],
  ] as const;
  const table = LISTINGS.flatMap(([listing, place]) =>
    LINKS.map(([variant, why]) => [listing, variant, place, why] as const),
  );

  it.each(table)(
    'ends listing %s with a reason, and the next delivery goes on: %s',
    async (_listing, variant, place, why) => {
      const { world, run, rows } = await runWith([{ ...place, fault: { kind: 'nextLink', variant }, skip: 1 }]);
      expect(errorMessages(world)).toEqual([expect.stringContaining(`was not followed: ${why}`)]);
      expect(run.state).toBe('completed');
      expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
      // The referee would have seen the token leave, and a version mixed up.
      await expectHonest(world);
    },
  );

  it.each(['otherHost', 'otherVersion'] as const)(
    'makes one device unreadable in a $batch, which is looked at again: %s',
    async (variant) => {
      const { world, run, rows } = await runWith([{ ...KEY_PART, fault: { kind: 'nextLink', variant } }]);
      expect(errorMessages(world)).toEqual([]);
      expect(run.state).toBe('completed');
      expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
      await expectHonest(world);
    },
  );

  it('is not followed however often it comes: the run waits for the next tick, with the reason at every delivery', async () => {
    const { world, run } = await runWith([
      { ...LISTING_DEVICES, fault: { kind: 'nextLink', variant: 'otherHost' }, times: MAX_DEQUEUE_COUNT + 2 },
    ]);
    expect(errorMessages(world)).toHaveLength(MAX_DEQUEUE_COUNT + 2);
    expect(run.state).toBe('completed');
    await expectHonest(world);
  });
});

describe('pages that are not what they should be', () => {
  const HARMLESS = ['again', 'half', 'duplicates', 'empty'] as const;
  const table = LISTINGS.flatMap(([listing, place]) => HARMLESS.map((variant) => [variant, listing, place] as const));

  it.each(table)('count every device once: %s, listing %s', async (variant, _listing, place) => {
    const { world, run, rows } = await runWith([{ ...place, fault: { kind: 'page', variant }, times: 3 }]);
    expect(errorMessages(world)).toEqual([]);
    expect(run).toMatchObject({ state: 'completed', devices: FLEET_SIZE });
    expect(new Set(rows.map(({ entraDeviceId }) => entraDeviceId)).size).toBe(FLEET_SIZE);
    expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
    await expectHonest(world);
  });

  it('lose devices, which are then no part of this run', async () => {
    const { world, run, rows } = await runWith([{ ...LISTING_DEVICES, fault: { kind: 'page', variant: 'lost' } }]);
    expect(run).toMatchObject({ state: 'completed', devices: FLEET_SIZE - 1 });
    expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE - 1 });
    expect(world.sim.truth.rotatedCount()).toBe(FLEET_SIZE - 1);
    await expectHonest(world);
  });

  it('lose keys: the device passes for one without, and the key it had before proves nothing', async () => {
    const { world, rows } = await runWith([{ ...LISTING_KEYS, fault: { kind: 'page', variant: 'lost' } }], {
      devices: Array.from({ length: FLEET_SIZE }, () => ({ osKeys: 1, checkInDelayMs: 600_000 })),
    });
    expect(rows.filter(({ keyBeforeId }) => keyBeforeId === undefined)).toHaveLength(1);
    expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
    await expectHonest(world);
  });

  it('lose the key of a device that is not due, which is then asked all the same, and proven by its new key only', async () => {
    const { world, rows } = await runWith([{ ...LISTING_KEYS, fault: { kind: 'page', variant: 'lost' } }], {
      devices: [
        { name: 'YOUNG', osKeys: 1, keyAgeDays: 1, checkInDelayMs: 600_000 },
        { name: 'YOUNG TOO', osKeys: 1, keyAgeDays: 1 },
      ],
      settings: { ROTATION_CANARY_DEVICES: '0' },
    });
    expect(statesOf(rows)).toEqual({ proven: 1, skipped: 1 });
    expect(rows.find(({ deviceName }) => deviceName === 'YOUNG TOO')).toMatchObject({ skipReason: 'keyTooYoung' });
    // The new key is the only one that proves: the lost one is older than the request.
    await expectHonest(world);
  });

  it.each(['again', 'half', 'duplicates', 'lost', 'empty'] as const)(
    'delay a proof at most, when the keys of one device come so: %s',
    async (variant) => {
      const { world, run, rows } = await runWith([{ ...KEY_PART, fault: { kind: 'page', variant }, times: 6 }], {
        // Without a key before, the only page is the one with the proof.
        devices: Array.from({ length: FLEET_SIZE }, () => ({ osKeys: 0, checkInDelayMs: 600_000 })),
      });
      expect(run.state).toBe('completed');
      expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
      await expectHonest(world);
    },
  );
});
