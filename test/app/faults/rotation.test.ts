import { describe, expect, it } from 'vitest';
import type { Fault } from '../../../src/simulator/faults.ts';
import { HOUR_MS } from '../../support/world.ts';
import { expectHonest } from './expect-honest.ts';
import { createFaultWorld, errorMessages, FLEET_SIZE, runWith, settle, statesOf } from './fault-world.ts';
import { ROTATION } from './places.ts';

/** Nobody knows whether Graph took the request. */
const UNCERTAIN: readonly (readonly [string, Fault, { readonly happened: boolean }])[] = [
  ['500', { kind: 'status', status: 500 }, { happened: false }],
  ['502', { kind: 'status', status: 502 }, { happened: false }],
  ['503', { kind: 'status', status: 503 }, { happened: false }],
  [
    '503 with Retry-After',
    { kind: 'status', status: 503, retryAfter: 'seconds', retryAfterMs: 7_000 },
    { happened: false },
  ],
  ['504', { kind: 'status', status: 504 }, { happened: false }],
  ['reset before the effect', { kind: 'resetBefore' }, { happened: false }],
  ['504 after the effect', { kind: 'statusAfterEffect', status: 504 }, { happened: true }],
  ['500 after the effect', { kind: 'statusAfterEffect', status: 500 }, { happened: true }],
  ['reset after the effect', { kind: 'resetAfter' }, { happened: true }],
  ['slow beyond the timeout', { kind: 'slow', latencyMs: 120_000 }, { happened: true }],
];
/** Long enough for two looks before any device answers. */
const SLEEPY = Array.from({ length: FLEET_SIZE }, () => ({ checkInDelayMs: 5 * HOUR_MS }));

describe('a rotation request whose fate is not known', () => {
  it.each(UNCERTAIN)('is looked at, never blindly repeated: %s', async (_what, fault, { happened }) => {
    const { world, run, rows } = await runWith([{ ...ROTATION, fault, times: 3, skip: 2 }], { devices: SLEEPY });
    expect(errorMessages(world)).toEqual([]);
    expect(run.state).toBe('completed');
    expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
    // One POST per device, and one more for each of the three that two looks found never accepted.
    const posts = world.sim.history.filter(
      ({ method, path }) => method === 'POST' && path.endsWith('/rotateBitLockerKeys'),
    );
    expect(posts).toHaveLength(happened ? FLEET_SIZE : FLEET_SIZE + 3);
    expect(rows.reduce((sum, { attempt }) => sum + attempt, 0)).toBe(happened ? 0 : 3);
    await expectHonest(world);
  });

  it.each(UNCERTAIN.filter(([, , { happened }]) => happened))(
    'is found accepted even when it is every single one: %s',
    async (_what, fault) => {
      const { world, run, rows } = await runWith([{ ...ROTATION, fault, times: FLEET_SIZE }], { devices: SLEEPY });
      expect(run.state).toBe('completed');
      expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
      expect(world.sim.referee.rotationsAccepted).toBe(FLEET_SIZE);
      await expectHonest(world);
    },
  );

  it('is repeated once two looks saw nothing, the second time as carefully as the first', async () => {
    const { world, rows } = await runWith([{ ...ROTATION, fault: { kind: 'status', status: 503 }, times: 12 }], {
      settings: { ROTATION_CANARY_DEVICES: '0' },
    });
    expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
    expect(Math.max(...rows.map(({ attempt }) => attempt))).toBeGreaterThan(0);
    await expectHonest(world);
  });

  it('waits in an outage of hours: nothing is lost, and each device is asked once in the end', async () => {
    const { world, run, rows } = await runWith([{ ...ROTATION, fault: { kind: 'status', status: 503 }, times: 40 }], {
      settings: { ROTATION_CANARY_DEVICES: '0' },
    });
    expect(run.state).toBe('completed');
    expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
    expect(world.sim.referee.rotationsAccepted).toBe(FLEET_SIZE);
    await expectHonest(world);
  });
});

describe('a rotation request that was certainly not accepted', () => {
  it('is asked again at once after a 403 that means nothing', async () => {
    const { world, rows } = await runWith([{ ...ROTATION, fault: { kind: 'forbiddenFlicker' }, times: 2 }]);
    expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
    await expectHonest(world);
  });

  it('is asked again with a fresh token after a 401', async () => {
    const { world, rows } = await runWith([{ ...ROTATION, fault: { kind: 'expiredToken' } }]);
    expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
    expect(world.sim.issuedTokens.length).toBeGreaterThan(1);
    await expectHonest(world);
  });

  it.each([400, 404, 409])('is refused with its status, and not asked again: %i', async (status) => {
    const { world, run, rows } = await runWith([{ ...ROTATION, fault: { kind: 'status', status }, times: 2, skip: 6 }]);
    expect(run.state).toBe('completed');
    expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE - 2, refused: 2 });
    expect(rows.filter(({ state }) => state === 'refused').map(({ httpStatus }) => httpStatus)).toEqual([
      status,
      status,
    ]);
    await expectHonest(world);
  });

  it('is refused after the third 403 although the token has the role', async () => {
    const world = createFaultWorld({ settings: { ROTATION_CANARY_DEVICES: '0' } });
    const unlucky = world.sim.truth.device(7);
    const path = new RegExp(`/${unlucky?.managedDeviceId}/rotateBitLockerKeys$`);
    world.sim.script({ path, fault: { kind: 'forbiddenFlicker' }, times: 3 });
    const run = await world.clock.run(() => settle(world));
    const rows = await world.rotations(run.runId);
    expect(run.state).toBe('completed');
    expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE - 1, refused: 1 });
    expect(rows.find(({ state }) => state === 'refused')).toMatchObject({
      deviceName: unlucky?.deviceName,
      httpStatus: 403,
    });
    await expectHonest(world);
  });
});
