import { describe, expect, it } from 'vitest';
import type { DeviceSpec } from '../../../src/simulator/devices/device-profile.ts';
import { DAY_MS, HOUR_MS } from '../../support/world.ts';
import { expectHonest } from './expect-honest.ts';
import { logLines, runWith, statesOf } from './fault-world.ts';
import { ROTATION } from './places.ts';

const FLEET = 80;
const fleetOf = (spec: DeviceSpec): readonly DeviceSpec[] =>
  Array.from({ length: FLEET }, () => ({ checkInDelayMs: 600_000, ...spec }));

describe('canaries that fail', () => {
  it.each([
    ['without the policy: done, and no new key', { behaviour: 'saysDone' }, 'overdue'],
    ['switched off', { behaviour: 'neverChecksIn' }, 'overdue'],
    ['whose device says no', { behaviour: 'fails' }, 'failed'],
    ['that do not support the action', { behaviour: 'notSupported' }, 'failed'],
    ['whose action is cancelled', { behaviour: 'canceled' }, 'failed'],
    ['refused by Intune', { behaviour: 'refuses' }, 'refused'],
    ['deleted since', { behaviour: 'gone' }, 'refused'],
  ] as const)(
    'abort the run before the fleet is asked, and are settled all the same: %s',
    async (_what, spec, state) => {
      const { world, run, rows } = await runWith([], { devices: fleetOf(spec) });
      expect(run).toMatchObject({ state: 'aborted', abortReason: 'canaryFailed', due: FLEET });
      expect(statesOf(rows)).toEqual({ [state]: 4, planned: FLEET - 4 });
      expect(world.sim.truth.asked().length).toBeLessThanOrEqual(4);
      expect(logLines(world, 'run aborted')).toMatchObject([{ abortReason: 'canaryFailed', counts: { [state]: 4 } }]);
      await expectHonest(world);
    },
  );

  it('only too late are looked at to the end, and those that rotate then are proven', async () => {
    const { world, run, rows } = await runWith([], {
      devices: fleetOf({ checkInDelayMs: 30 * HOUR_MS }),
    });
    expect(run).toMatchObject({ state: 'aborted', abortReason: 'canaryFailed' });
    expect((run.finishedAtMs ?? 0) - run.createdAtMs).toBeGreaterThan(DAY_MS);
    expect(statesOf(rows)).toEqual({ proven: 4, planned: FLEET - 4 });
    await expectHonest(world);
  });

  it('because Graph never takes a request keep the fleet unasked', async () => {
    const { world, run, rows } = await runWith([
      { ...ROTATION, fault: { kind: 'status', status: 503 }, times: 10_000 },
    ]);
    expect(run).toMatchObject({ state: 'aborted', abortReason: 'canaryFailed' });
    // Asked three times, each found never accepted: nothing can still take effect, so their devices are free again.
    expect(statesOf(rows)).toMatchObject({ refused: 4 });
    expect(world.sim.referee.rotationsAccepted).toBe(0);
    for await (const page of world.ledger.devicePages())
      for (const { value } of page) expect(value.claim).toBeUndefined();
    await expectHonest(world, { openEnded: true });
  });
});

describe('the circuit breaker', () => {
  const settings = { ROTATION_CANARY_DEVICES: '0' };

  it.each([
    [400, { kind: 'status', status: 400 }],
    [403, { kind: 'forbiddenFlicker' }],
    [404, { kind: 'status', status: 404 }],
  ] as const)('trips when Graph refuses too often: nothing more is asked (%i)', async (_status, fault) => {
    const { world, run, rows } = await runWith([{ ...ROTATION, fault, times: 10_000 }], { devices: FLEET, settings });
    expect(run).toMatchObject({ state: 'aborted', abortReason: 'circuitBreaker' });
    const { refused = 0, planned = 0 } = statesOf(rows);
    expect(refused).toBeGreaterThanOrEqual(20);
    expect(planned).toBeGreaterThan(0);
    expect(refused + planned).toBe(FLEET);
    await expectHonest(world, { openEnded: true });
  });

  it('trips when devices fail too often: what was asked is settled', async () => {
    // The first look comes while the fleet is still being asked.
    const { world, run, rows } = await runWith([], {
      devices: Array.from({ length: 400 }, (_, i) => ({
        behaviour: i % 2 === 0 ? 'fails' : 'rotates',
        checkInDelayMs: 60_000,
      })),
      settings: { ...settings, CONFIRM_SCHEDULE: 'PT2M,PT30M,PT2H', GRAPH_WRITE_BUDGET: '10/PT20S' },
    });
    expect(run).toMatchObject({ state: 'aborted', abortReason: 'circuitBreaker' });
    const { planned = 0, failed = 0, proven = 0 } = statesOf(rows);
    expect(planned).toBeGreaterThan(100);
    expect(failed + proven).toBe(400 - planned);
    expect(world.sim.truth.asked()).toHaveLength(failed + proven);
    expect(
      logLines(world, 'run aborted: nothing more is asked for; what was asked for is still looked at'),
    ).toMatchObject([{ abortReason: 'circuitBreaker' }]);
    await expectHonest(world);
  });

  it('does not trip for answers that never came, nor for a quota that is spent', async () => {
    const { world, run, rows } = await runWith(
      [
        { ...ROTATION, fault: { kind: 'resetAfter' }, times: 40 },
        { ...ROTATION, fault: { kind: 'throttle', retryAfter: 'mixed' }, times: 10 },
      ],
      { devices: FLEET, settings },
    );
    expect(run.state).toBe('completed');
    expect(statesOf(rows)).toEqual({ proven: FLEET });
    await expectHonest(world);
  });
});
