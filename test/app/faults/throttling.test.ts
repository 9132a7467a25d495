import { describe, expect, it } from 'vitest';
import type { RetryAfterForm } from '../../../src/simulator/throttling/retry-after-form.ts';
import { DAY_MS, HOUR_MS } from '../../support/world.ts';
import { expectHonest } from './expect-honest.ts';
import { errorMessages, FLEET_SIZE, logLines, runWith, statesOf } from './fault-world.ts';
import {
  ACTION_PART,
  KEY_PART,
  LISTING_DEVICES,
  LISTING_KEYS,
  type Place,
  ROTATION,
  STATE_PART,
  WHOLE_BATCH,
} from './places.ts';

const PLACES: readonly (readonly [string, Place])[] = [
  ['listing devices', LISTING_DEVICES],
  ['listing keys', LISTING_KEYS],
  ['action results in a $batch', ACTION_PART],
  ['keys in a $batch', KEY_PART],
  ['an encryption state in a $batch', STATE_PART],
  ['a rotation request', ROTATION],
];
const FORMS: readonly (readonly [string, RetryAfterForm])[] = [
  ['absent', 'absent'],
  ['whole seconds', 'seconds'],
  ['a fraction', 'fraction'],
  ['an HTTP date', 'date'],
  ['inside the JSON in the message', 'nested'],
  ['any of these', 'mixed'],
  ['a date long past', { raw: 'Wed, 21 Oct 2015 07:28:00 GMT' }],
  ['negative', { raw: '-5' }],
  ['garbage', { raw: 'soon' }],
  ['empty', { raw: '' }],
  ['zero', { raw: '0' }],
];

describe('a 429', () => {
  it.each(
    FORMS.flatMap(([form, retryAfter]) => PLACES.map(([where, place]) => [form, where, retryAfter, place] as const)),
  )('pauses everybody and costs time only, Retry-After %s, %s', async (_form, _where, retryAfter, place) => {
    const { world, run, rows } = await runWith([
      { ...place, fault: { kind: 'throttle', retryAfter, retryAfterMs: 17_300 }, times: 3, skip: 1 },
    ]);
    expect(errorMessages(world)).toEqual([]);
    expect(run.state).toBe('completed');
    expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
    // The referee counts every request that leaves during a pause it was told of.
    await expectHonest(world);
  });

  it.each([ROTATION, LISTING_DEVICES])('without Retry-After is followed by one window of silence', async (place) => {
    const { world } = await runWith([{ ...place, fault: { kind: 'throttle', retryAfter: 'absent' }, skip: 1 }]);
    const at = world.sim.history.findIndex(({ status }) => status === 429);
    const [throttled, ...later] = world.sim.history.slice(at);
    // What was on its way already arrives within the round trip.
    const next = later.find(({ atMs }) => atMs > (throttled?.atMs ?? 0) + 150);
    expect((next?.atMs ?? 0) - (throttled?.atMs ?? 0)).toBeGreaterThanOrEqual(20_000);
    await expectHonest(world);
  });

  it.each(PLACES)('that asks for two hours is handed back to the queue for as long: %s', async (_where, place) => {
    const { world, run, rows } = await runWith([
      { ...place, fault: { kind: 'throttle', retryAfter: { raw: '7200' } }, skip: 1 },
    ]);
    expect(errorMessages(world)).toEqual([]);
    expect(run.state).toBe('completed');
    expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
    expect((run.finishedAtMs ?? 0) - run.createdAtMs).toBeGreaterThan(2 * HOUR_MS);
    await expectHonest(world);
  });

  it.each([
    ['listing devices', LISTING_DEVICES],
    ['a rotation request', ROTATION],
    ['action results in a $batch', ACTION_PART],
  ] as const)(
    'that asks for ten days, more than a message can hide, is waited out all the same: %s',
    async (_where, place) => {
      const { world, run, rows } = await runWith([
        { ...place, fault: { kind: 'throttle', retryAfter: { raw: '864000' } }, skip: 1 },
      ]);
      expect(errorMessages(world)).toEqual([]);
      expect(run.state).toBe('completed');
      expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
      expect((run.finishedAtMs ?? 0) - run.createdAtMs).toBeGreaterThan(10 * DAY_MS);
      await expectHonest(world);
    },
  );

  it('that lasts is said once in the log, with the wait', async () => {
    const { world } = await runWith([
      { ...LISTING_DEVICES, fault: { kind: 'throttle', retryAfter: { raw: '7200' } }, skip: 1 },
    ]);
    expect(logLines(world, 'the run is put off')).toMatchObject([{ errorKind: 'throttled' }]);
    expect(logLines(world, 'the run is put off')[0]?.retryAfterMs).toBeGreaterThan(7_100_000);
  });
});

describe('a 503 that says when to come back', () => {
  it.each([
    ['listing devices', { ...LISTING_DEVICES, skip: 1 }],
    ['a $batch as a whole', WHOLE_BATCH],
  ] as const)('is left alone until then: %s', async (_where, place) => {
    const { world, run, rows } = await runWith([
      { ...place, fault: { kind: 'status', status: 503, retryAfter: 'seconds', retryAfterMs: 3 * HOUR_MS } },
    ]);
    const at = world.sim.history.findIndex(({ status }) => status === 503);
    const struck = world.sim.history[at];
    const again = world.sim.history.slice(at + 1).find(({ path }) => path === struck?.path);
    expect((again?.atMs ?? 0) - (struck?.atMs ?? 0)).toBeGreaterThanOrEqual(3 * HOUR_MS);
    expect(run.state).toBe('completed');
    expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
    await expectHonest(world);
  });
});

describe('traffic of other apps', () => {
  it.each([0.5, 0.8])('that takes %f of every limit slows the run down and loses no device', async (foreignShare) => {
    const { world, run, rows } = await runWith([], {
      devices: 60,
      throttling: { foreignShare, retryAfter: 'mixed', limits: { write: { limit: 10, windowMs: 20_000 } } },
    });
    expect(errorMessages(world)).toEqual([]);
    expect(run.state).toBe('completed');
    expect(statesOf(rows)).toEqual({ proven: 60 });
    await expectHonest(world);
  });

  it.each(['sliding', 'fixed', 'bucket'] as const)(
    'that there is none of means no 429 at all: %s window',
    async (window) => {
      const { world, rows } = await runWith([], {
        devices: 60,
        throttling: { window, fixedPhaseMs: 7_000, limits: { write: { limit: 10, windowMs: 20_000 } } },
      });
      expect(statesOf(rows)).toEqual({ proven: 60 });
      expect(world.sim.history.filter(({ status }) => status === 429)).toEqual([]);
      await expectHonest(world);
    },
  );
});
