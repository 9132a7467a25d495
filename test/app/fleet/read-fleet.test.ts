import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { FLEET_COLUMNS, fleetCsv } from '../../../src/app/fleet/fleet-csv.ts';
import { countInNeed, devicesInNeed, FLEET_NEEDS, fleetDevice } from '../../../src/app/fleet/fleet-devices.ts';
import { withoutKeyAge } from '../../../src/domain/fleet/fleet-picture.ts';
import type { EntraDeviceId, RecoveryKeyId } from '../../../src/domain/ids.ts';
import type { DeviceSpec } from '../../../src/simulator/devices/device-profile.ts';
import { expectNoSecret } from '../../support/expect-no-secret.ts';
import { DAY_MS, HOUR_MS } from '../../support/world.ts';
import { createFaultWorld, type FaultWorld, live, logLines } from '../faults/fault-world.ts';
import { type FleetView, viewFleet } from './fleet-world.ts';

const DEVICES: readonly DeviceSpec[] = [
  { name: 'GOOD' },
  { name: 'NO-KEY-MADE', behaviour: 'saysDone' },
  { name: 'SILENT', behaviour: 'neverChecksIn' },
  { name: 'LATE', checkInDelayMs: 20 * DAY_MS },
  { name: 'SAYS-NO', behaviour: 'fails' },
  { name: 'YOUNG', keyAgeDays: 20 },
  { name: 'NEAR', osKeys: 185, keyAgeDays: 40 },
  { name: 'FULL', osKeys: 200, keyAgeDays: 400 },
  { name: 'PLAIN', isEncrypted: false, osKeys: 0 },
  { name: 'PHONE', operatingSystem: 'Android', osKeys: 0 },
];

/** After so many days of daily ticks; what is not seen for days is still asked. */
async function fleetAfter(
  days: number,
  devices: readonly DeviceSpec[] = DEVICES,
): Promise<{ readonly world: FaultWorld } & FleetView> {
  const world = createFaultWorld({
    devices,
    settings: { ROTATION_CANARY_DEVICES: '0', ROTATION_SEEN_WITHIN: 'P400D', ROTATION_ABORT_FAILURE_RATE: '1' },
  });
  const view = await world.clock.run(async () => {
    await live(world, world.start(), days);
    return viewFleet(world);
  });
  return { world, ...view };
}

/** What each device needs, by name; those that need nothing are left out. */
function needsByName({ reading }: FleetView): Readonly<Record<string, readonly string[]>> {
  const devices = Array.from({ length: reading.fleet.size }, (_, device) => fleetDevice(reading, device));
  return Object.fromEntries(
    devices.filter(({ needs }) => needs.length > 0).map(({ deviceName, needs }) => [deviceName, needs]),
  );
}

describe('the fleet before any run', () => {
  it('counts ages, missing keys, the cap and what cannot be asked; nothing is sent', async () => {
    const { world, picture, ...view } = await fleetAfter(0);
    expect(picture).toMatchObject({
      devices: 9,
      eligible: 8,
      withoutKey: 1,
      nearKeyLimit: 1,
      atKeyLimit: 1,
      rotatedWithoutKey: 0,
      neverAnswered: 0,
      inProgress: 0,
      ineligible: { notEncrypted: 1 },
    });
    expect(picture.keyAges).toMatchObject({ under30Days: 1, none: 1 });
    expect(needsByName({ picture, ...view })).toMatchObject({
      NEAR: ['nearKeyLimit'],
      FULL: ['atKeyLimit', 'pastMaxKeyAge'],
      PLAIN: ['withoutKey'],
    });
    expect(world.sim.history.every(({ method }) => method === 'GET')).toBe(true);
    expect(world.queues.sent()).toEqual([]);
  });
});

describe('the fleet while a run looks', () => {
  it('already tells a device that is done and has no newer key', async () => {
    const view = await fleetAfter(2);
    const needs = needsByName(view);
    expect(needs['NO-KEY-MADE']?.[0]).toBe('rotatedWithoutKey');
    expect(needs.GOOD).toBeUndefined();
    expect(needs.SILENT).toEqual(['pastMaxKeyAge']);
    expect(view.picture).toMatchObject({ rotatedWithoutKey: 1, neverAnswered: 0, inProgress: 3 });
  });
});

describe('the fleet after the last look', () => {
  it('tells the dangerous from the silent, and since when; what answered late or said no is neither', async () => {
    const view = await fleetAfter(14);
    const needs = needsByName(view);
    expect(needs['NO-KEY-MADE']?.[0]).toBe('rotatedWithoutKey');
    expect(needs.SILENT?.[0]).toBe('neverAnswered');
    expect(needs.LATE?.[0]).toBe('neverAnswered');
    expect(needs['SAYS-NO']).toEqual(['pastMaxKeyAge']);
    const asked = view.world.sim.history.find(({ path }) => path.includes('rotateBitLockerKeys'));
    expect(Math.abs(Date.parse(view.picture.silentSince ?? '') - (asked?.atMs ?? 0))).toBeLessThan(HOUR_MS);
    expect(view.picture.neverAnswered).toBe(2);
  });

  it('lets go of a device whose newer key came at last, before any run has seen it', async () => {
    const world = createFaultWorld({
      devices: [{ name: 'LATE', checkInDelayMs: 20 * DAY_MS }],
      settings: { ROTATION_CANARY_DEVICES: '0', ROTATION_SEEN_WITHIN: 'P400D' },
    });
    const view = await world.clock.run(async () => {
      await live(world, world.start(), 15);
      await world.clock.sleep(6 * DAY_MS);
      return viewFleet(world);
    });
    expect(needsByName(view)).toEqual({});
  });

  it('goes on calling a device dangerous when its claim was let go', async () => {
    const view = await fleetAfter(40, [{ name: 'NO-KEY-MADE', behaviour: 'saysDone' }]);
    expect(view.picture.rotatedWithoutKey).toBe(1);
  });

  it.each([
    ['a rotation brought', 0],
    ['a person imported', 1],
  ])('judges a device whose action is done by a newer key: %s it', async (_whose, dangerous) => {
    const { world } = await fleetAfter(1, [{ name: 'GOOD' }]);
    const device = world.sim.truth.device(0);
    const id = device?.entraDeviceId as EntraDeviceId;
    const stored = (await world.ledger.readDevices([id])).get(id);
    if (stored === undefined || device?.newestKey === undefined) throw new Error('the device was not rotated');
    const importedKeyIds = dangerous === 1 ? [device.newestKey.keyId as RecoveryKeyId] : [];
    const record = { ...stored.value, lastState: 'confirmed' as const, importedKeyIds };
    await world.ledger.writeDevices([{ record, version: stored.version }]);
    expect((await world.clock.run(() => viewFleet(world))).picture.rotatedWithoutKey).toBe(dangerous);
  });

  it('finds the rotation of a device whose claim has expired, also in a run of many', async () => {
    const expired = { name: 'EXPIRED', behaviour: 'saysDone' as const };
    const world = createFaultWorld({
      devices: [expired, { name: 'GOOD' }],
      settings: { ROTATION_CANARY_DEVICES: '0', ROTATION_SEEN_WITHIN: 'P400D' },
    });
    const view = await world.clock.run(async () => {
      await live(world, world.start(), 1);
      const id = world.sim.truth.device('EXPIRED')?.entraDeviceId as EntraDeviceId;
      const stored = (await world.ledger.readDevices([id])).get(id);
      if (stored === undefined) throw new Error('the device has no record');
      const { claim: _claim, ...record } = stored.value;
      await world.ledger.writeDevices([{ record: { ...record, lastState: 'overdue' }, version: stored.version }]);
      return viewFleet(world);
    });
    expect(needsByName(view).EXPIRED?.[0]).toBe('rotatedWithoutKey');
  });
});

describe('a large mixed fleet', () => {
  it('has the same ages as a plan made at once, the same dangerous devices as the truth, and no secret anywhere', async () => {
    const world = createFaultWorld({
      devices: 400,
      fleet: 'mixed',
      pageSize: 150,
      settings: { ROTATION_CANARY_DEVICES: '0', ROTATION_ABORT_FAILURE_RATE: '1', GRAPH_WRITE_BUDGET: '200/PT20S' },
    });
    const { first, last } = await world.clock.run(async () => {
      const before = await viewFleet(world);
      await live(world, world.start(), 13);
      return { first: before, last: await viewFleet(world) };
    });
    const [planned] = logLines(world, 'run planned');
    expect(planned?.keyAges).toEqual(first.picture.keyAges);
    expect(planned?.devices).toBe(first.picture.devices);
    const dangerous = devicesInNeed(last.reading, ['rotatedWithoutKey'], 1_000).map(({ deviceName }) => deviceName);
    const truth = [...world.sim.truth.devices()].filter(
      ({ requested, rotated, actionState }) => requested > 0 && actionState === 'done' && rotated === 0,
    );
    expect(dangerous.length).toBeGreaterThan(3);
    expect(dangerous.toSorted()).toEqual(truth.map(({ deviceName }) => deviceName).toSorted());

    const csv = [...fleetCsv(last.reading)].join('');
    const rows = parse(csv, { columns: true }) as Readonly<Record<string, string>>[];
    expect(Object.keys(rows[0] ?? {})).toEqual([...FLEET_COLUMNS]);
    expect(rows).toHaveLength(last.picture.devices);
    for (const need of FLEET_NEEDS)
      expect(rows.filter(({ needs }) => needs?.split(' ').includes(need))).toHaveLength(last.picture[need]);
    expect(rows.filter(({ needs }) => needs !== '')).toHaveLength(countInNeed(last.reading));
    expect(rows.filter(({ ineligible }) => ineligible === '')).toHaveLength(last.picture.eligible);
    expect(rows.filter(({ inProgress }) => inProgress === 'yes')).toHaveLength(last.picture.inProgress);
    const withoutAge = Object.entries(withoutKeyAge(last.picture));
    expect(withoutAge).toContainEqual(['noEntraDeviceId', 4]);
    for (const [reason, devices] of withoutAge)
      expect(rows.filter(({ keyAge, ineligible }) => keyAge === '' && ineligible === reason)).toHaveLength(devices);
    const counted = [...Object.entries(last.picture.keyAges), ...withoutAge];
    expect(counted.reduce((sum, [, devices]) => sum + devices, 0)).toBe(last.picture.devices);
    for (const [age, devices] of Object.entries(last.picture.keyAges))
      expect(rows.filter(({ keyAge }) => keyAge === age)).toHaveLength(devices);
    expectNoSecret(world.sim, [csv, JSON.stringify(last.picture)]);
  });
});
