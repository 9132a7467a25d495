import { describe, expect, it } from 'vitest';
import { deviceHistory } from '../../src/app/device-history.ts';
import { DAY_MS } from '../support/world.ts';
import { createFaultWorld, live } from './faults/fault-world.ts';

const SIGNAL = new AbortController().signal;
const MANY = { runs: 100, rows: 100_000 };

async function tenDays() {
  const world = createFaultWorld({
    devices: [{ name: 'GOOD' }, { name: 'YOUNG', keyAgeDays: 1 }, { name: 'LATE', checkInDelayMs: 2 * DAY_MS }],
    settings: { ROTATION_CANARY_DEVICES: '0' },
  });
  await world.clock.run(() => live(world, world.start(), 10));
  return world;
}

describe('the history of a device', () => {
  it.each(['entraDeviceId', 'managedDeviceId'] as const)('by %s has every run, newest first', async (id) => {
    const world = await tenDays();
    const device = world.sim.truth.device('LATE');
    const history = await deviceHistory(world.ledger, new Set([device?.[id] ?? '']), MANY, SIGNAL);
    const runs = await world.runs();
    expect(history).toMatchObject({ runsSearched: runs.length, runsLeft: 0 });
    expect(history.rotations.map(({ runId }) => runId)).toEqual(runs.map(({ runId }) => runId));
    for (const { runId, rotation } of history.rotations) {
      const rows = await world.rotations(runId);
      expect(rows).toContainEqual(rotation);
      expect(rotation.deviceName).toBe('LATE');
    }
    expect(history.rotations.at(-1)?.rotation.state).toBe('proven');
  });

  it.each([
    [{ runs: 3, rows: 100_000 }, 3],
    [{ runs: 100, rows: 3 }, 1],
  ])('within %j says how many runs were not searched', async (bounds, searched) => {
    const world = await tenDays();
    const device = world.sim.truth.device('GOOD');
    const history = await deviceHistory(world.ledger, new Set([device?.entraDeviceId ?? '']), bounds, SIGNAL);
    const runs = await world.runs();
    expect(runs.length).toBeGreaterThan(5);
    expect(history).toMatchObject({ runsSearched: searched, runsLeft: runs.length - searched });
    expect(history.rotations).toHaveLength(searched);
  });

  it('of an unknown device is empty', async () => {
    const world = await tenDays();
    const history = await deviceHistory(world.ledger, new Set(['nobody']), MANY, SIGNAL);
    expect(history.rotations).toEqual([]);
    expect(history.runsLeft).toBe(0);
  });
});
