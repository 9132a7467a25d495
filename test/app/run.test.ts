import { expect, it } from 'vitest';
import { addCounts } from '../../src/domain/run.ts';
import { createWorld, DAY_MS, START_MS } from '../support/world.ts';

it('plans, rotates and proves a mixed fleet, and agrees with what the devices really did', async () => {
  const world = createWorld({ devices: 600, seed: 3 });
  await world.clock.run(async () => {
    const process = world.start();
    await process.tick();
    await world.deliver(process, START_MS + 20 * DAY_MS);
  });
  const [run] = await world.runs();
  expect(run).toMatchObject({ state: 'completed', mode: 'live' });
  if (run === undefined) return;
  const total = Object.values(run.finalCounts ?? {}).reduce((a, b) => a + b, 0);
  expect(total).toBe(run.devices);
  const rows = await world.rotations(run.runId);
  expect(rows).toHaveLength(run.devices);
  expect(addCounts(...rows.map((row) => ({ [row.state]: 1 })))).toEqual(run.finalCounts);
  expect(rows.filter((row) => row.state === 'proven')).toHaveLength(world.sim.truth.rotatedCount());
  expect(world.sim.referee.violations).toEqual([]);
});
