/** Recorded states are created at most once, whatever dies and however often a message comes. */
import { describe, expect, it } from 'vitest';
import { createLife, ProcessDied } from '../support/mortal.ts';
import { DAY_MS, START_MS, type WorldOptions } from '../support/world.ts';
import { expectStatesTrue, recordedCount, stagesOf } from './expect-states.ts';
import { expectHonest } from './faults/expect-honest.ts';
import { createFaultWorld, type FaultWorld, firstRows, firstRun, statesOf } from './faults/fault-world.ts';

const UNTIL_MS = START_MS + 20 * DAY_MS;
const DEVICES = 16;
const OPTIONS: WorldOptions = {
  devices: DEVICES,
  seed: 3,
  latencyMs: [20, 200],
  settings: { RECORD_TO_GRAPH: 'true', ROTATION_CANARY_DEVICES: '0', GRAPH_WRITE_BUDGET: '8/PT20S' },
};

async function expectAllTrue(world: FaultWorld): Promise<void> {
  const rows = await firstRows(world);
  expect((await firstRun(world))?.state).toBe('completed');
  expect(statesOf(rows)).toEqual({ proven: DEVICES });
  expect(recordedCount(rows)).toBeGreaterThan(DEVICES / 2);
  expectStatesTrue(world, rows);
  // After all the looks nothing is left between announced and answered.
  expect(stagesOf(rows).sending).toBeUndefined();
  await expectHonest(world);
}

describe('states that are created', () => {
  it('are created once although every message is handled three times at once', async () => {
    const world = createFaultWorld(OPTIONS);
    await world.clock.run(async () => {
      const process = world.start();
      await process.tick();
      await world.deliver(process, UNTIL_MS, { copies: 3 });
    });
    await expectAllTrue(world);
    const rows = await firstRows(world);
    expect(world.sim.truth.createdStates).toHaveLength(recordedCount(rows));
  });

  it('are created once by two processes that share the messages, each handled twice', async () => {
    const world = createFaultWorld(OPTIONS);
    await world.clock.run(async () => {
      const [one, two] = [world.start(), world.start()];
      await one.tick();
      await Promise.all([one, two].map((process) => world.deliver(process, UNTIL_MS, { copies: 2 })));
    });
    await expectAllTrue(world);
  });

  it('stay as they are when every look is delivered again after the run', async () => {
    const world = createFaultWorld(OPTIONS);
    await world.clock.run(async () => {
      const process = world.start();
      await process.tick();
      await world.deliver(process, UNTIL_MS);
      const before = await firstRows(world);
      for (const message of [...world.queues.sent()].reverse())
        if (message.queue === 'encryption-states') await world.queues.sendSlice(message.body, 0);
      await world.deliver(process, UNTIL_MS);
      expect(await firstRows(world)).toEqual(before);
    });
    await expectAllTrue(world);
  });

  it('do not multiply the messages of a look that is put off, however often each is handled', async () => {
    // One slice, so large that each copy of a message announces some and is throttled.
    const settings = { ...OPTIONS.settings, GRAPH_WRITE_BUDGET: '100/PT20S' };
    const world = createFaultWorld({ ...OPTIONS, devices: 80, settings });
    const hours = 6;
    world.sim.script({
      method: 'POST',
      path: /^\/deviceManagement\/managedDeviceEncryptionStates$/,
      fault: { kind: 'throttle', retryAfter: 'seconds', retryAfterMs: 3_600_000 },
      times: hours,
    });
    await world.clock.run(async () => {
      const process = world.start();
      await process.tick();
      await world.deliver(process, UNTIL_MS, { copies: 3 });
    });
    const rows = await firstRows(world);
    expect(statesOf(rows)).toEqual({ proven: 80 });
    expectStatesTrue(world, rows);
    const messages = world.queues.sent().filter(({ queue }) => queue === 'encryption-states');
    // The first, and at most one more for each time the tenant asked to wait, never two for the same time.
    expect(messages.length).toBeGreaterThan(1);
    expect(messages.length).toBeLessThanOrEqual(1 + hours);
    const times = messages.map(({ visibleAtMs }) => visibleAtMs).toSorted((a, b) => a - b);
    expect(times.slice(1).filter((atMs, i) => atMs - (times[i] ?? 0) < 20_000)).toEqual([]);
    await expectHonest(world);
  });

  it('cost a process that is throttled no rotation its result, and the circuit breaker no outcome', async () => {
    const world = createFaultWorld(OPTIONS);
    world.sim.script({
      method: 'POST',
      path: /^\/deviceManagement\/managedDeviceEncryptionStates$/,
      fault: { kind: 'throttle', retryAfter: 'seconds', retryAfterMs: 3_600_000 },
      times: 2,
    });
    await world.clock.run(async () => {
      const process = world.start();
      await process.tick();
      await world.deliver(process, UNTIL_MS);
    });
    await expectAllTrue(world);
    const run = await firstRun(world);
    const outcomes = run === undefined ? undefined : await world.ledger.readOutcomes(run.runId);
    expect(outcomes?.value.results).toBe('.'.repeat(DEVICES));
  });
});

describe('a process that dies among them', async () => {
  async function runWithCrash(dieAt: number) {
    const world = createFaultWorld(OPTIONS);
    const life = createLife(dieAt);
    await world.clock.run(async () => {
      let process = world.start(life);
      for (let crashes = 0; crashes < 3; crashes++) {
        try {
          if ((await world.runs()).length === 0) await process.tick();
          await world.deliver(process, UNTIL_MS);
          for (let day = 0; day < 4 && (await firstRun(world))?.finishedAtMs === undefined; day++) {
            await world.clock.sleep(DAY_MS);
            if ((await world.runs()).length > 0) world.mode = 'off';
            await process.tick();
            world.mode = 'live';
            await world.deliver(process, UNTIL_MS + 20 * DAY_MS);
          }
          return;
        } catch (error) {
          if (!(error instanceof ProcessDied)) throw error;
          process = world.start();
        }
      }
      throw new Error('the new process died too');
    });
    return { world, life };
  }

  const { world: undisturbed, life } = await runWithCrash(Number.POSITIVE_INFINITY);

  it('has plenty of steps to die at', () => {
    expect(life.steps).toBeGreaterThan(200);
    expect(undisturbed.sim.truth.createdStates.length).toBeGreaterThan(DEVICES / 2);
  });

  /** The first half is planning and asking, which `crash.test.ts` goes through; every third point of the rest is another set whenever the code changes. */
  const first = Math.floor(life.steps / 2);
  const points = Array.from({ length: Math.ceil((life.steps - first) / 3) }, (_, i) => first + 1 + i * 3);
  it.each(points)('at step %i creates none twice, and loses no rotation', async (dieAt) => {
    const { world, life: died } = await runWithCrash(dieAt);
    expect(died.diedAt).toBeDefined();
    await expectAllTrue(world);
    const rows = await firstRows(world);
    // Only what was announced when it died is in doubt: at most what is announced together, in each of the slices.
    expect(stagesOf(rows).unsent ?? 0).toBe(0);
    expect(stagesOf(rows).refused ?? 0).toBe(0);
  });
});
