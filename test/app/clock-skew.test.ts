import { expect, it } from 'vitest';
import { createWorld, DAY_MS, START_MS } from '../support/world.ts';

it.each([-600_000, -30_000, 600_000])(
  'asks no device twice when answers are lost and Graph is %i ms ahead of Azure Storage',
  async (clockSkewMs) => {
    const world = createWorld({
      devices: 40,
      seed: 2,
      clockSkewMs,
      settings: {
        ROTATION_CANARY_DEVICES: '0',
        ROTATION_ABORT_FAILURE_RATE: '1',
        CONFIRM_SCHEDULE: 'PT30M,PT1H,PT2H,PT8H,P1D,P3D',
      },
    });
    world.sim.script({ fault: { kind: 'resetAfter' }, method: 'POST', path: /rotateBitLockerKeys$/, times: 20 });
    await world.clock.run(async () => {
      const process = world.start();
      await process.tick();
      await world.deliver(process, START_MS + 20 * DAY_MS);
    });
    expect(world.sim.unusedFaults()).toEqual([]);
    expect(world.sim.referee.violations).toEqual([]);
    expect(world.sim.truth.asked().filter((device) => device.requested > 1)).toEqual([]);
    const [run] = await world.runs();
    expect(run?.finalCounts?.proven).toBe(world.sim.truth.rotatedCount());
  },
);
