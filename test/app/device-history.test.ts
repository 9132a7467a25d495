import { describe, expect, it } from 'vitest';
import {
  type DeviceHistory,
  type DeviceId,
  deviceHistory,
  deviceInRun,
  findDevice,
  RUNS_AT_ONCE,
} from '../../src/app/device-history.ts';
import type { RunId } from '../../src/domain/ids.ts';
import type { Ledger } from '../../src/domain/ledger.ts';
import type { Rotation } from '../../src/domain/rotation.ts';
import { createVirtualClock } from '../../src/simulator/virtual-clock.ts';
import { createMemoryLedger } from '../../src/storage/memory/memory-ledger.ts';
import { sampleDevice, sampleRotation, sampleRotations, sampleRun } from '../contracts/samples.ts';
import { withHooks } from '../support/hooked.ts';
import { DAY_MS, START_MS } from '../support/world.ts';
import { createFaultWorld, live } from './faults/fault-world.ts';

const NEVER = new AbortController().signal;

async function historyOf(ledger: Ledger, id: DeviceId, signal = NEVER): Promise<DeviceHistory> {
  return deviceHistory(ledger, await findDevice(ledger, id, signal), signal, () => undefined);
}

/** A ledger of so many runs, newest first, each with these rows between those of others. */
async function ledgerOf(runs: number, rowsOf: (run: number) => readonly Partial<Rotation>[]) {
  const ledger = createMemoryLedger({ clock: createVirtualClock(START_MS) });
  const runIds: RunId[] = [];
  for (let i = 0; i < runs; i++) {
    const run = sampleRun({ state: 'completed', createdAtMs: START_MS - i * DAY_MS });
    await ledger.createRun(run);
    const own = rowsOf(i).map((row, at) => sampleRotation(3 + at, row));
    await ledger.writePlannedRotations(run.runId, [...sampleRotations(3), ...own]);
    runIds.push(run.runId);
  }
  return { ledger, runIds };
}

const DEVICE = sampleRotation(0);
const E = DEVICE.entraDeviceId as NonNullable<Rotation['entraDeviceId']>;
const M = DEVICE.managedDeviceId;
const ROW = { entraDeviceId: E, managedDeviceId: M };

describe('the history of a device', () => {
  it.each(['entraDeviceId', 'managedDeviceId'] as const)('by %s has every run, newest first', async (id) => {
    const world = createFaultWorld({
      devices: [{ name: 'GOOD' }, { name: 'YOUNG', keyAgeDays: 1 }, { name: 'LATE', checkInDelayMs: 2 * DAY_MS }],
      settings: { ROTATION_CANARY_DEVICES: '0' },
    });
    await world.clock.run(() => live(world, world.start(), 10));
    const device = world.sim.truth.device('LATE');
    const history = await historyOf(world.ledger, device?.[id] as DeviceId);
    const runs = await world.runs();
    expect(history.runsSearched).toBe(runs.length);
    expect(history.rotations.map(({ runId }) => runId)).toEqual(runs.map(({ runId }) => runId));
    for (const { runId, rotation } of history.rotations) {
      expect(await world.rotations(runId)).toContainEqual(rotation);
      expect(rotation.deviceName).toBe('LATE');
    }
    expect(history.rotations.at(-1)?.rotation.state).toBe('proven');
    expect(history.device.record?.entraDeviceId).toBe(device?.entraDeviceId);
  });

  it('is whole, however many runs there are; a few are searched together, newest first', async () => {
    const { ledger, runIds } = await ledgerOf(1_500, () => [ROW]);
    const begun: unknown[] = [];
    let inHand = 0;
    let most = 0;
    const watched = withHooks('ledger', ledger, {
      async before({ name, args }) {
        if (name !== 'rotationsOf') return;
        begun.push(args[0]);
        inHand += 1;
        most = Math.max(most, inHand);
        await new Promise((resolve) => setImmediate(resolve));
      },
      after({ name }) {
        if (name === 'rotationsOf') inHand -= 1;
      },
    });
    const told: string[] = [];
    const device = await findDevice(watched, E, NEVER);
    const { rotations, runsSearched } = await deviceHistory(watched, device, NEVER, (runs, of) =>
      told.push(`${runs}/${of}`),
    );
    expect(rotations.map(({ runId }) => runId)).toEqual(runIds);
    expect(runsSearched).toBe(1_500);
    expect(begun).toEqual(runIds);
    expect(most).toBe(RUNS_AT_ONCE);
    expect([told[0], told.at(-1)]).toEqual(['1/1500', '1500/1500']);
  });

  it('ends at once when it is stopped, and searches no further run', async () => {
    const { ledger } = await ledgerOf(100, () => [ROW]);
    const stopping = new AbortController();
    const reason = new Error('stopped');
    let begun = 0;
    const stopped = withHooks('ledger', ledger, {
      before({ name }) {
        if (name !== 'rotationsOf') return;
        begun += 1;
        if (begun === 20) stopping.abort(reason);
      },
    });
    await expect(historyOf(stopped, E, stopping.signal)).rejects.toBe(reason);
    await new Promise((resolve) => setImmediate(resolve));
    expect(begun).toBeLessThanOrEqual(20 + RUNS_AT_ONCE);
  });

  it.each([
    ['before', M],
    ['now', sampleRotation(0).managedDeviceId],
  ])('that was enrolled anew has the runs of both times, by the managed device id it had %s', async (_when, id) => {
    const { ledger, runIds } = await ledgerOf(6, (run) => [run < 3 ? { ...ROW, managedDeviceId: id } : ROW]);
    const record = sampleDevice({ entraDeviceId: E, managedDeviceId: id });
    await ledger.writeDevices([{ record: { ...record, lastRunId: runIds[0] as RunId }, version: undefined }]);
    for (const one of [id, M]) {
      const history = await historyOf(ledger, one);
      expect(history.rotations.map(({ runId }) => runId)).toEqual(runIds);
      expect(history.device.record).toMatchObject(record);
    }
  });

  it('that no live run claimed has no record, and all its dry runs', async () => {
    const { ledger, runIds } = await ledgerOf(4, () => [ROW]);
    const { device, rotations } = await historyOf(ledger, M);
    expect(device).toEqual({ ids: [M, E] });
    expect(rotations.map(({ runId }) => runId)).toEqual(runIds);
  });

  it('has what is left of it: rows past their retention are not there', async () => {
    const { ledger, runIds } = await ledgerOf(6, (run) => (run < 2 ? [ROW] : []));
    const { rotations, runsSearched } = await historyOf(ledger, E);
    expect(rotations.map(({ runId }) => runId)).toEqual(runIds.slice(0, 2));
    expect(runsSearched).toBe(6);
  });

  it('has a row for each of its records in one run, the one that counts first', async () => {
    const stale = { entraDeviceId: E, state: 'skipped', skipReason: 'duplicateRecord' } as const;
    const { ledger } = await ledgerOf(1, () => [ROW, stale]);
    const { rotations } = await historyOf(ledger, E);
    expect(rotations.map(({ rotation }) => rotation.skipReason)).toEqual([undefined, 'duplicateRecord']);
  });

  it('of an unknown device is empty', async () => {
    const { ledger } = await ledgerOf(3, () => []);
    expect(await historyOf(ledger, E)).toEqual({ device: { ids: [E] }, rotations: [], runsSearched: 3 });
  });
});

describe('a device in one run', () => {
  it('that holds its claim is read where the claim says, without a search', async () => {
    const { ledger, runIds } = await ledgerOf(1, () => [ROW]);
    const claim = { runId: runIds[0] as RunId, order: 3, attempt: 0, token: 't', claimedAtMs: 1, sendByMs: 2 };
    await ledger.writeDevices([{ record: { ...sampleDevice({ ...ROW }), claim }, version: undefined }]);
    const names: string[] = [];
    const watched = withHooks('ledger', ledger, { before: ({ name }) => void names.push(name) });
    const device = await findDevice(watched, E, NEVER);
    const { rotations } = await deviceInRun(watched, claim.runId, device, NEVER);
    expect(rotations).toMatchObject([{ ...ROW, order: 3 }]);
    expect(names).not.toContain('rotationsOf');
    // Its rows may be gone, and the claim may stand.
    const gone = await deviceInRun(
      ledger,
      claim.runId,
      { ...device, record: { ...sampleDevice(ROW), claim: { ...claim, order: 9 } } },
      NEVER,
    );
    expect(gone.rotations).toHaveLength(1);
  });

  it('that is asked for by an id from before is told with the record it has now', async () => {
    const { ledger, runIds } = await ledgerOf(1, () => [ROW]);
    const record = sampleDevice({ entraDeviceId: E });
    await ledger.writeDevices([{ record, version: undefined }]);
    const found = await deviceInRun(ledger, runIds[0] as RunId, await findDevice(ledger, M, NEVER), NEVER);
    expect(found.rotations).toMatchObject([ROW]);
    expect(found.device.record).toEqual(record);
  });
});
