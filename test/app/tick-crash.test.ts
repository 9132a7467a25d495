/** A tick that dies between naming the run and writing it strands nothing. */
import { expect, it } from 'vitest';
import { scheduledTick } from '../../src/app/scheduled-tick.ts';
import { ProcessDied } from '../support/mortal.ts';
import { DAY_MS, START_MS } from '../support/world.ts';
import { expectHonest } from './faults/expect-honest.ts';
import { createFaultWorld, FLEET_SIZE } from './faults/fault-world.ts';

it('is made good by the same timer fired again at once: one run, and one message for it', async () => {
  const world = createFaultWorld();
  await world.clock.run(async () => {
    const { deps } = world.start();
    const createRun = () => Promise.reject(new ProcessDied('the process died between pointer and row'));
    const died = scheduledTick({ ...deps, ledger: { ...deps.ledger, createRun } });
    await expect(died).rejects.toThrow(ProcessDied);
    expect(await world.runs()).toEqual([]);

    await world.clock.sleep(5_000);
    const next = world.start();
    await next.tick();
    expect(world.queues.waiting()).toHaveLength(1);
    await next.tick();
    expect(await world.runs()).toHaveLength(1);
    await world.deliver(next, START_MS + 5 * DAY_MS);
  });
  expect(await world.runs()).toMatchObject([{ state: 'completed', finalCounts: { proven: FLEET_SIZE } }]);
  await expectHonest(world);
});
