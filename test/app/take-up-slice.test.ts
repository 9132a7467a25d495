/** What a poisoned look gave up is taken up by a run of its own: nobody is asked twice, nothing is lost, wherever the process dies. */
import { describe, expect, it } from 'vitest';
import { quarantineMessage } from '../../src/app/quarantine-message.ts';
import { requeue } from '../../src/app/requeue.ts';
import { countRun } from '../../src/app/run-counts.ts';
import type { QuarantineEntry } from '../../src/domain/ledger.ts';
import type { Rotation } from '../../src/domain/rotation.ts';
import type { Run } from '../../src/domain/run.ts';
import type { DeviceSpec } from '../../src/simulator/devices/device-profile.ts';
import { collect } from '../contracts/samples.ts';
import { createLife, type Life, ProcessDied } from '../support/mortal.ts';
import { DAY_MS, HOUR_MS, START_MS, type TestProcess } from '../support/world.ts';
import { expectHonest } from './faults/expect-honest.ts';
import { createFaultWorld, type FaultWorld, firstRows, firstRun, statesOf } from './faults/fault-world.ts';

const MINUTE_MS = 60_000;
const UNTIL_MS = START_MS + 40 * DAY_MS;
/** Two that will have said done and escrowed nothing by the first look, one that will fail, and the rest asleep for hours. */
const DEVICES = [
  { checkInDelayMs: MINUTE_MS, escrowDelayMs: 6 * HOUR_MS },
  { checkInDelayMs: MINUTE_MS, escrowDelayMs: 6 * HOUR_MS },
  { checkInDelayMs: 5 * HOUR_MS, behaviour: 'fails' },
  ...Array.from({ length: 7 }, () => ({ checkInDelayMs: 5 * HOUR_MS })),
].map((device, i) => ({ ...device, managedDeviceId: idOf(i) })) as readonly DeviceSpec[];

function idOf(index: number): string {
  return `00000000-0000-4000-8000-00000000000${index}`;
}

const asking = (...indices: readonly number[]) => ({
  method: 'POST',
  path: new RegExp(`(${indices.map(idOf).join('|')})/rotateBitLockerKeys$`),
});

const GIVEN_UP = {
  beforeAnyLook: { requested: 7, uncertain: 3 },
  // The lost answer has been found out by its action.
  afterOneLook: { confirmed: 2, requested: 6, uncertain: 2 },
} as const;

interface GivenUp {
  readonly world: FaultWorld;
  readonly process: TestProcess;
  readonly entry: QuarantineEntry;
}

/** A run whose only slice is given up. Of three devices nobody knew, when they were asked, whether they were; one was. */
async function giveUp(when: 'beforeAnyLook' | 'afterOneLook' = 'afterOneLook'): Promise<GivenUp> {
  const world = createFaultWorld({
    devices: DEVICES,
    settings: { ROTATION_CANARY_DEVICES: '0', ROTATION_ABORT_FAILURE_RATE: '1', ROTATION_MAX_KEY_AGE: 'P60D' },
  });
  world.sim.script({ ...asking(4, 5), fault: { kind: 'resetBefore' }, times: 2 });
  world.sim.script({ ...asking(6), fault: { kind: 'resetAfter' } });
  const process = world.start();
  await world.clock.run(async () => {
    await process.tick();
    await world.deliver(process, START_MS + (when === 'afterOneLook' ? HOUR_MS : 5 * MINUTE_MS));
    expect(statesOf(await firstRows(world))).toEqual(GIVEN_UP[when]);
    const { tenantId, runId } = await present(firstRun(world));
    const [slice] = await collect(world.ledger.listSlices(runId, {}));
    const { sliceId, look } = slice?.value ?? expect.unreachable();
    await quarantineMessage(process.deps, 'encryption-states', { tenantId, runId, sliceId, look });
  });
  expect(await firstRun(world)).toMatchObject({ state: 'completed', finalCounts: { abandoned: 10 } });
  return { world, process, entry: await onlyEntry(world) };
}

async function present<T>(value: Promise<T | undefined>): Promise<T> {
  return (await value) ?? expect.unreachable();
}

async function entries(world: FaultWorld): Promise<readonly QuarantineEntry[]> {
  return collect(world.ledger.listQuarantine());
}

async function onlyEntry(world: FaultWorld): Promise<QuarantineEntry> {
  const [entry, ...others] = await entries(world);
  if (entry === undefined || others.length > 0) throw new Error(`${others.length} other entries`);
  return entry;
}

async function takenUpRun(world: FaultWorld): Promise<Run> {
  const found = (await world.runs()).find(({ trigger }) => trigger === 'requeue');
  if (found === undefined) throw new Error('no run has taken the slice up');
  return found;
}

async function claimedDevices(world: FaultWorld) {
  const records = (await collect(world.ledger.devicePages())).flat();
  return records.map(({ value }) => value).filter(({ claim }) => claim !== undefined);
}

/** All that rotated is proven, once, by whichever run; the one that failed is told. */
async function expectSettled(world: FaultWorld): Promise<void> {
  await expectHonest(world);
  expect(await entries(world)).toEqual([]);
  expect(await claimedDevices(world)).toEqual([]);
  const devices = [...world.sim.truth.devices()];
  expect(devices.map(({ requested }) => requested)).toEqual(devices.map(() => 1));
  expect(world.sim.truth.rotatedCount()).toBe(9);
  const rows = (await Promise.all((await world.runs()).map(({ runId }) => world.rotations(runId)))).flat();
  const told = (state: Rotation['state']) =>
    new Set(rows.filter((row) => row.state === state).map((row) => row.managedDeviceId)).size;
  expect({ proven: told('proven'), failed: told('failed') }).toEqual({ proven: 9, failed: 1 });
}

describe('taking up', () => {
  it('carries over what is known of every request, and moves the claims', async () => {
    const { world, process, entry } = await giveUp();
    await world.clock.run(async () => {
      const old = await firstRows(world);
      const before = await claimedDevices(world);
      expect(await requeue(process.deps, entry, 'really')).toMatchObject({ outcome: 'requeued', devices: 10 });
      const run = await takenUpRun(world);
      expect(run).toMatchObject({ state: 'settling', mode: 'live', devices: 10, due: 10, nextOrder: 10 });
      expect(run.reason).toContain(`of run ${entry.runId}`);
      const rows = await world.rotations(run.runId);
      expect(statesOf(rows)).toEqual(GIVEN_UP.afterOneLook);
      for (const [order, row] of rows.entries()) {
        const { look: _look, encryptionStates: _states, emptyLooks: _empty, ...facts } = old[order] as Rotation;
        expect(row).toEqual({ ...facts, state: row.state, sliceId: row.sliceId });
      }
      const after = await claimedDevices(world);
      expect(after.map(({ claim }) => claim)).toEqual(
        before.map(({ claim }) => {
          const { pending: _pending, ...held } = claim ?? expect.unreachable();
          return { ...held, runId: run.runId };
        }),
      );
      const { states } = await countRun(world.ledger, run);
      expect(states).toEqual(GIVEN_UP.afterOneLook);
      // Looked at now, not in half an hour.
      expect(world.queues.nextVisibleAtMs()).toBe(world.clock.nowMs());
    });
  });

  it.each(['beforeAnyLook', 'afterOneLook'] as const)(
    'settles what was given up %s: proof, failure, and a request anew for what was never accepted',
    async (when) => {
      const { world, process, entry } = await giveUp(when);
      await world.clock.run(async () => {
        await requeue(process.deps, entry, 'really');
        await world.deliver(process, UNTIL_MS);
      });
      expect(await takenUpRun(world)).toMatchObject({ state: 'completed', finalCounts: { proven: 9, failed: 1 } });
      await expectSettled(world);
    },
  );

  it('twice, one after the other or at once, is once', async () => {
    const { world, process, entry } = await giveUp();
    await world.clock.run(async () => {
      const other = world.start();
      await Promise.all([requeue(process.deps, entry, 'really'), requeue(other.deps, entry, 'really')]);
      // The entry as it was, because its deletion was lost.
      await world.ledger.quarantine(entry);
      expect(await requeue(other.deps, entry, 'really')).toMatchObject({ outcome: 'requeued', devices: 10 });
      await world.deliver(process, UNTIL_MS);
      await world.ledger.quarantine(entry);
      await requeue(process.deps, entry, 'really');
      await world.deliver(process, UNTIL_MS);
    });
    expect(await world.runs()).toHaveLength(2);
    await expectSettled(world);
  });

  it('changes nothing in a dry run', async () => {
    const { world, process, entry } = await giveUp();
    await world.clock.run(async () => {
      const before = await claimedDevices(world);
      const sent = world.queues.sent().length;
      expect(await requeue(process.deps, entry, 'dryRun')).toMatchObject({ outcome: 'requeued', devices: 10 });
      expect(await claimedDevices(world)).toEqual(before);
      expect(await world.runs()).toHaveLength(1);
      expect(world.queues.sent()).toHaveLength(sent);
      expect(await entries(world)).toEqual([entry]);
    });
  });

  it('leaves out a device whose claim went elsewhere, and one that was let go', async () => {
    const { world, process, entry } = await giveUp();
    await world.clock.run(async () => {
      const [first, second] = await claimedDevices(world);
      if (first === undefined || second === undefined || first.claim === undefined) return expect.unreachable();
      const versions = await world.ledger.readDevices([first.entraDeviceId, second.entraDeviceId]);
      const { claim: _claim, ...released } = second;
      const elsewhere = { ...first, claim: { ...first.claim, runId: 'another-run' as Run['runId'] } };
      await world.ledger.writeDevices([
        { record: elsewhere, version: versions.get(first.entraDeviceId)?.version },
        { record: released, version: versions.get(second.entraDeviceId)?.version },
      ]);
      expect(await requeue(process.deps, entry, 'really')).toMatchObject({ devices: 8 });
      const run = await takenUpRun(world);
      const rows = await world.rotations(run.runId);
      expect(rows.map(({ order }) => order)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
      expect(rows.map(({ entraDeviceId }) => entraDeviceId)).not.toContain(first.entraDeviceId);
      expect(rows.map(({ entraDeviceId }) => entraDeviceId)).not.toContain(second.entraDeviceId);
      const held = new Map((await claimedDevices(world)).map(({ entraDeviceId, claim }) => [entraDeviceId, claim]));
      for (const { entraDeviceId, order } of rows)
        expect(held.get(entraDeviceId as never)).toMatchObject({ runId: run.runId, order });
      expect(held.get(first.entraDeviceId)).toEqual(elsewhere.claim);
    });
  });

  it('has nothing to do once later plans have settled every device', async () => {
    const { world, process, entry } = await giveUp();
    await world.clock.run(async () => {
      for (let day = 1; day <= 2; day++) {
        await world.clock.sleep(DAY_MS);
        await process.tick();
        await world.deliver(process, world.clock.nowMs() + HOUR_MS);
      }
      for (const record of await claimedDevices(world)) {
        const { claim: _claim, ...released } = record;
        const version = (await world.ledger.readDevices([record.entraDeviceId])).get(record.entraDeviceId)?.version;
        await world.ledger.writeDevices([{ record: released, version }]);
      }
      expect(await requeue(process.deps, entry, 'really')).toMatchObject({ outcome: 'settled' });
      expect(await entries(world)).toEqual([]);
      expect((await world.runs()).some(({ trigger }) => trigger === 'requeue')).toBe(false);
    });
  });
});

describe('a process that dies while it takes up', async () => {
  async function dying(
    dieAt: number,
    then: (given: GivenUp, next: TestProcess) => Promise<void>,
  ): Promise<{ world: FaultWorld; life: Life }> {
    const given = await giveUp();
    const { world, entry } = given;
    const life = createLife(dieAt);
    const doomed = world.start(life);
    await world.clock.run(async () => {
      try {
        await requeue(doomed.deps, entry, 'really');
      } catch (error) {
        if (!(error instanceof ProcessDied)) throw error;
      }
      await then(given, world.start());
    });
    return { world, life };
  }

  async function again({ world }: GivenUp, next: TestProcess): Promise<void> {
    for (const entry of await entries(world)) await requeue(next.deps, entry, 'really');
  }

  const { life: undisturbed } = await dying(Number.POSITIVE_INFINITY, async () => {});
  const points = Array.from({ length: undisturbed.steps }, (_, i) => i + 1);

  it('has plenty of steps to die at', () => {
    expect(undisturbed.steps).toBeGreaterThan(20);
  });

  it.each(points)('at step %i leaves an entry that can be put back, and everything is settled', async (dieAt) => {
    const { world } = await dying(dieAt, async (given, next) => {
      await again(given, next);
      await given.world.deliver(next, UNTIL_MS);
    });
    await expectSettled(world);
    expect(await world.runs()).toHaveLength(2);
  });

  it.each(points)(
    'at step %i loses nothing when the timer ticks on for days before anybody tries again',
    async (dieAt) => {
      const { world } = await dying(dieAt, async (given, next) => {
        for (let day = 1; day <= 3; day++) {
          await next.tick();
          await given.world.deliver(next, START_MS + day * DAY_MS);
          await given.world.clock.sleep(DAY_MS);
        }
        await again(given, next);
        await given.world.deliver(next, UNTIL_MS);
        await next.tick();
        await given.world.deliver(next, UNTIL_MS);
      });
      await expectHonest(world, { late: 'abandoned' });
      expect(await entries(world)).toEqual([]);
      expect(await claimedDevices(world)).toEqual([]);
      // The two that were never accepted are not forgotten either.
      expect(world.sim.truth.rotatedCount()).toBeGreaterThanOrEqual(9);
    },
  );
});
