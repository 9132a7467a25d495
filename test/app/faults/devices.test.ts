import { describe, expect, it } from 'vitest';
import type { Rotation } from '../../../src/domain/rotation.ts';
import type { DeviceSpec } from '../../../src/simulator/devices/device-profile.ts';
import { HOUR_MS } from '../../support/world.ts';
import { expectHonest } from './expect-honest.ts';
import {
  createFaultWorld,
  errorMessages,
  type FaultWorld,
  FLEET_SIZE,
  runWith,
  settle,
  statesOf,
} from './fault-world.ts';
import { ROTATION, STATE_PART } from './places.ts';

/** Every device answers after so long; none is a canary that decides anything. */
const fleetOf = (checkInDelayMs: number, more: DeviceSpec = {}) => ({
  devices: Array.from({ length: FLEET_SIZE }, () => ({ checkInDelayMs, ...more })),
  settings: { ROTATION_CANARY_DEVICES: '0' },
});

/** Runs to the end; `meanwhile` happens so long after the start. */
async function settleWhile(world: FaultWorld, afterMs: number, meanwhile: () => void) {
  const run = await world.clock.run(async () => {
    const event = world.clock.sleep(afterMs).then(meanwhile);
    const ended = await settle(world);
    await event;
    return ended;
  });
  return { run, rows: await world.rotations(run.runId) };
}

const rowOf = (rows: readonly Rotation[], id: string | undefined) => rows.find((row) => row.managedDeviceId === id);

describe('a device deleted from Intune', () => {
  it('between plan and request is refused with 404, and not asked again', async () => {
    const { devices, settings } = fleetOf(HOUR_MS);
    const { world, run, rows } = await runWith([], {
      devices: [...devices, { name: 'GONE', behaviour: 'gone' }],
      settings,
    });
    expect(run.state).toBe('completed');
    expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE, refused: 1 });
    expect(rows.find(({ state }) => state === 'refused')).toMatchObject({ deviceName: 'GONE', httpStatus: 404 });
    await expectHonest(world);
  });

  it('between request and look has failed, because the device is gone', async () => {
    const world = createFaultWorld(fleetOf(HOUR_MS));
    const victim = world.sim.truth.device(9)?.managedDeviceId ?? '';
    const { run, rows } = await settleWhile(world, 20 * 60_000, () => world.sim.removeDevice(victim));
    expect(run.state).toBe('completed');
    // It was taken out of Intune before it checked in; the simulated device rotates all the same.
    expect(rowOf(rows, victim)).toMatchObject({ state: 'failed', failure: 'deviceGone' });
    expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE - 1, failed: 1 });
    await expectHonest(world, { late: [world.sim.truth.device(9)?.deviceName ?? ''] });
  });

  it('after it rotated is proven by its key, unconfirmed', async () => {
    const world = createFaultWorld(fleetOf(5 * 60_000));
    const victim = world.sim.truth.device(9)?.managedDeviceId ?? '';
    const { rows } = await settleWhile(world, 20 * 60_000, () => world.sim.removeDevice(victim));
    expect(rowOf(rows, victim)).toMatchObject({ state: 'proven', unconfirmed: true });
    expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
    await expectHonest(world);
  });
});

describe('someone else rotating the same device', () => {
  it.each(['queued', 'merged'] as const)(
    'just after our request does not unsettle the proof (Intune: %s)',
    async (secondRequest) => {
      const world = createFaultWorld({ ...fleetOf(HOUR_MS), secondRequest });
      const other = world.sim.truth.device(9)?.managedDeviceId ?? '';
      const { run, rows } = await settleWhile(world, 5 * 60_000, () => world.sim.rotateAsSomeoneElse(other));
      expect(run.state).toBe('completed');
      expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
      await expectHonest(world);
    },
  );

  it('just before our request is not taken for it', async () => {
    const world = createFaultWorld(fleetOf(10 * 60_000));
    const other = world.sim.truth.device(9);
    world.sim.rotateAsSomeoneElse(other?.managedDeviceId ?? '');
    const run = await world.clock.run(() => settle(world));
    const row = rowOf(await world.rotations(run.runId), other?.managedDeviceId);
    expect(row?.state).toBe('proven');
    // Its action began before our request, so the key that proves ours is the later of the two.
    expect(row?.actionStartedAtMs).toBeGreaterThanOrEqual(row?.acceptedAfterMs ?? Number.POSITIVE_INFINITY);
    expect(world.sim.truth.device(9)?.rotated).toBe(2);
    await expectHonest(world);
  });

  it('while the fleet waits for its canaries is noticed, and the device left alone', async () => {
    const canariesOnly = (i: number): DeviceSpec => ({ keyAgeDays: 100 + i, checkInDelayMs: 9 * HOUR_MS });
    const world = createFaultWorld({ devices: Array.from({ length: FLEET_SIZE }, (_, i) => canariesOnly(i)) });
    let other = '';
    const { run, rows } = await settleWhile(world, 60_000, () => {
      const asked = new Set(world.sim.truth.asked().map(({ managedDeviceId }) => managedDeviceId));
      other =
        [...world.sim.truth.devices()].find((device) => !asked.has(device.managedDeviceId))?.managedDeviceId ?? '';
      world.sim.rotateAsSomeoneElse(other);
    });
    expect(run.state).toBe('completed');
    expect(rowOf(rows, other)).toMatchObject({ state: 'skipped', skipReason: 'keyTooYoung' });
    expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE - 1, skipped: 1 });
    expect(world.sim.truth.device(other)?.requested).toBe(0);
    await expectHonest(world);
  });
});

describe("a tenant's clock that differs from ours", () => {
  it.each([600_000, 60_000, 4_000, -4_000, -60_000, -600_000])('by %i ms changes no result', async (clockSkewMs) => {
    const { world, run, rows } = await runWith([], { clockSkewMs });
    expect(errorMessages(world)).toEqual([]);
    expect(run.state).toBe('completed');
    expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
    await expectHonest(world);
  });

  it.each([600_000, 4_000, 0, -4_000])('by %i ms hides no request whose answer was lost', async (clockSkewMs) => {
    const { world, rows } = await runWith([{ ...ROTATION, fault: { kind: 'resetAfter' }, times: FLEET_SIZE }], {
      ...fleetOf(6 * HOUR_MS),
      clockSkewMs,
    });
    expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
    expect(world.sim.referee.rotationsAccepted).toBe(FLEET_SIZE);
    await expectHonest(world);
  });
});

/** The encryption states recorded of each device. */
const recordedOf = (rows: readonly Rotation[]) =>
  rows.map(({ encryptionStates }) => (encryptionStates ?? []).map(({ state }) => state));

describe('the encryption state', () => {
  it('is recorded once per device, and as none where Graph has none', async () => {
    const { world, rows } = await runWith([], { devices: 100 });
    const recorded = recordedOf(rows);
    expect(recorded.filter(([state]) => state === 'none').length).toBeGreaterThan(0);
    expect(recorded.filter((states) => states.length !== 1)).toEqual([]);
    expect(statesOf(rows)).toEqual({ proven: 100 });
    await expectHonest(world);
  });

  it('is none everywhere when its ids turn out to be other ids, and proves nothing less', async () => {
    const { world, rows } = await runWith([], { encryptionStateIds: 'entraDeviceId' });
    expect(recordedOf(rows)).toEqual(rows.map(() => ['none']));
    expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
    await expectHonest(world);
  });

  it('is no part of the proof: a device whose state cannot be read is proven without', async () => {
    const { world, rows } = await runWith([{ ...STATE_PART, fault: { kind: 'status', status: 400 }, times: 3 }]);
    expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
    expect(recordedOf(rows).filter((states) => states.length === 0)).toHaveLength(3);
    await expectHonest(world);
  });
});
