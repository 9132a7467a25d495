/** The look at the end of the canary wait comes on top of those in the schedule, and takes none of them away. */
import { expect, it } from 'vitest';
import { DAY_MS, HOUR_MS, START_MS } from '../support/world.ts';
import { expectHonest } from './faults/expect-honest.ts';
import { createFaultWorld } from './faults/fault-world.ts';

it.each(['PT30M,P2D', 'PT20M,PT30M,P2D'])(
  'gives no canary up that answers later, although the next look is the last one (%s)',
  async (schedule) => {
    const world = createFaultWorld({
      settings: { CONFIRM_SCHEDULE: schedule, ROTATION_CANARY_WAIT: 'PT1H', ROTATION_CANARY_DEVICES: '4' },
      devices: Array.from({ length: 30 }, () => ({ checkInDelayMs: 6 * HOUR_MS })),
    });
    await world.clock.run(async () => {
      const process = world.start();
      await process.tick();
      await world.deliver(process, START_MS + 10 * DAY_MS);
    });
    const [run] = await world.runs();
    // Too late for the fleet to follow, but not for the proof.
    expect(run).toMatchObject({ state: 'aborted', abortReason: 'canaryFailed' });
    expect(run?.finalCounts).toEqual({ planned: 26, proven: 4 });
    expect((run?.finishedAtMs ?? 0) - START_MS).toBeGreaterThan(2 * DAY_MS);
    await expectHonest(world);
  },
);
