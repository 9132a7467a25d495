import { expect, it } from 'vitest';
import { addCounts } from '../../src/domain/run.ts';
import { createWorld, DAY_MS, START_MS, type World, type WorldOptions } from '../support/world.ts';

const UNTIL_MS = START_MS + 20 * DAY_MS;
const OPTIONS: WorldOptions = {
  devices: 120,
  seed: 5,
  latencyMs: [20, 200],
  settings: { ROTATION_CANARY_DEVICES: '10', ROTATION_CANARY_MIN_PROVEN: '0.5' },
};

async function expectOneHonestRun(world: World): Promise<void> {
  expect(world.sim.referee.violations).toEqual([]);
  const runs = await world.runs();
  expect(runs.map((run) => run.state)).toEqual(['completed']);
  for (const run of runs) {
    const rows = await world.rotations(run.runId);
    expect(rows).toHaveLength(run.devices);
    expect(addCounts(...rows.map((row) => ({ [row.state]: 1 })))).toEqual(run.finalCounts);
    expect(rows.filter((row) => row.state === 'proven')).toHaveLength(world.sim.truth.rotatedCount());
  }
  expect(Math.max(...world.sim.truth.asked().map((device) => device.requested))).toBe(1);
}

it('handles every message three times at once like once', async () => {
  const world = createWorld(OPTIONS);
  await world.clock.run(async () => {
    const process = world.start();
    await process.tick();
    await world.deliver(process, UNTIL_MS, { copies: 3 });
  });
  await expectOneHonestRun(world);
});

it('changes nothing when every message ever sent is delivered again, newest first, after the run', async () => {
  const world = createWorld(OPTIONS);
  await world.clock.run(async () => {
    const process = world.start();
    await process.tick();
    await world.deliver(process, UNTIL_MS);
    const [before] = await world.runs();
    const sent = [...world.queues.sent()].reverse();
    for (const message of sent) world.queues.giveBack(message);
    await world.deliver(process, UNTIL_MS);
    expect((await world.runs())[0]).toEqual(before);
    expect(world.queues.waiting()).toEqual([]);
  });
  await expectOneHonestRun(world);
});

it('makes one run of two timers that fire at once in two processes', async () => {
  const world = createWorld(OPTIONS);
  await world.clock.run(async () => {
    const [one, two] = [world.start(), world.start()];
    await Promise.all([one.tick(), two.tick()]);
    await Promise.all([world.deliver(one, UNTIL_MS), world.deliver(two, UNTIL_MS)]);
  });
  await expectOneHonestRun(world);
});

it('takes a timer that fires again within the minute for the same tick, even when its run is settled', async () => {
  const world = createWorld({ ...OPTIONS, devices: 0 });
  await world.clock.run(async () => {
    const process = world.start();
    await process.tick();
    await world.deliver(process, START_MS + 30_000);
    expect((await world.runs()).map((run) => run.state)).toEqual(['completed']);
    await process.tick();
    expect(await world.runs()).toHaveLength(1);
  });
});

it.each([1, 2, 3, 4, 5, 6, 7, 8])('makes good a lost message with the next tick (message %i)', async (lost) => {
  const world = createWorld(OPTIONS);
  await world.clock.run(async () => {
    const process = world.start();
    await process.tick();
    let count = 0;
    await world.deliver(process, UNTIL_MS, { lose: () => ++count === lost });
    for (let day = 0; day < 4 && (await world.runs()).some((run) => run.finishedAtMs === undefined); day++) {
      await world.clock.sleep(DAY_MS);
      // Not a new run: only what is left of this one is carried on.
      world.mode = 'off';
      await process.tick();
      world.mode = 'live';
      await world.deliver(process, UNTIL_MS + 20 * DAY_MS);
    }
  });
  await expectOneHonestRun(world);
});
