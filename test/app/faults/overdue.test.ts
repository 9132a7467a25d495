import { describe, expect, it } from 'vitest';
import type { DeviceSpec } from '../../../src/simulator/devices/device-profile.ts';
import { DAY_MS } from '../../support/world.ts';
import { expectHonest } from './expect-honest.ts';
import { createFaultWorld, type FaultWorld, firstRows, firstRun, live, statesOf } from './fault-world.ts';

/** One device, asked on the first day and looked at for a little more than ten days. */
async function lives(
  days: number,
  device: DeviceSpec,
  settings: Readonly<Record<string, string>> = {},
): Promise<FaultWorld> {
  const world = createFaultWorld({
    devices: [{ name: 'SLOW', ...device }],
    settings: { ROTATION_CANARY_DEVICES: '0', ROTATION_SEEN_WITHIN: 'P400D', ...settings },
  });
  await world.clock.run(() => live(world, world.start(), days));
  return world;
}

/** For each daily run, oldest first, what became of the device. */
async function story(world: FaultWorld): Promise<readonly string[]> {
  const days: string[] = [];
  for (const run of [...(await world.runs())].reverse()) {
    const [row] = await world.rotations(run.runId);
    days.push(row?.skipReason ?? row?.state ?? 'nothing');
  }
  return days;
}

describe('a device that obeys only after the last look', () => {
  it('is overdue, then pending, and is let go when its newer key is seen', async () => {
    const world = await lives(60, { checkInDelayMs: 20 * DAY_MS }, { ROTATION_MAX_KEY_AGE: 'P30D' });
    const run = await firstRun(world);
    expect(run?.state).toBe('completed');
    expect(statesOf(await firstRows(world))).toEqual({ overdue: 1 });
    const days = await story(world);
    expect(days[0]).toBe('overdue');
    // Pending until it obeys on the twentieth day; then its key is young, then not due; then it is asked again.
    expect(days.slice(1, 20)).toEqual(Array(19).fill('rotationPending'));
    expect(days.slice(21, 26)).toEqual(Array(5).fill('keyTooYoung'));
    expect(days.slice(30, 45)).toEqual(Array(15).fill('notDue'));
    expect(days[51]).toBe('requested');
    expect(world.sim.truth.device(0)).toMatchObject({ requested: 2, rotated: 1 });
    await expectHonest(world, { late: ['SLOW'] });
  });

  it('and says no is let go at the final action, and asked again', async () => {
    const world = await lives(25, { checkInDelayMs: 15 * DAY_MS, behaviour: 'fails' });
    const days = await story(world);
    expect(days.slice(0, 15)).toEqual(['overdue', ...Array(14).fill('rotationPending')]);
    expect(days[16]).not.toBe('rotationPending');
    expect(world.sim.truth.device(0)?.requested).toBe(2);
    await expectHonest(world);
  });

  it('but never says anything is asked again after sixty days, and not before', async () => {
    const world = await lives(75, { behaviour: 'neverChecksIn' });
    const days = await story(world);
    const again = days.indexOf('requested');
    expect(days[0]).toBe('overdue');
    expect(days.slice(1, again)).toEqual(Array(again - 1).fill('rotationPending'));
    // Looked at for a little more than ten days, then pending for sixty.
    expect(again).toBeGreaterThanOrEqual(70);
    expect(again).toBeLessThan(73);
    expect(world.sim.truth.device(0)?.requested).toBe(2);
    await expectHonest(world);
  });

  it('is given up pending in an aborted run too, with its request on record', async () => {
    const world = createFaultWorld({
      devices: Array.from({ length: 30 }, () => ({ behaviour: 'neverChecksIn' })),
      settings: { ROTATION_SEEN_WITHIN: 'P400D' },
    });
    await world.clock.run(() => live(world, world.start(), 14));
    const run = await firstRun(world);
    expect(run).toMatchObject({ state: 'aborted', abortReason: 'canaryFailed' });
    const claims = [];
    for await (const page of world.ledger.devicePages()) claims.push(...page.flatMap(({ value }) => value.claim ?? []));
    const ofRun = claims.filter((claim) => claim.runId === run?.runId);
    expect(ofRun.length).toBeGreaterThan(0);
    expect(ofRun.every((claim) => claim.pending !== undefined)).toBe(true);
    await expectHonest(world);
  });
});
