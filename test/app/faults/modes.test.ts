import { describe, expect, it } from 'vitest';
import { scheduledTick } from '../../../src/app/scheduled-tick.ts';
import type { RotationMode } from '../../../src/domain/settings.ts';
import { DAY_MS, HOUR_MS, START_MS } from '../../support/world.ts';
import { expectHonest } from './expect-honest.ts';
import { createFaultWorld, firstRows, firstRun, logLines, statesOf } from './fault-world.ts';

const FLEET = 80;
const postsOf = (world: ReturnType<typeof createFaultWorld>) =>
  world.sim.history.filter(({ path }) => path.endsWith('/rotateBitLockerKeys'));

/** Without canaries the fleet is being asked from the first seconds on, for some three minutes. */
function midRunWorld() {
  return createFaultWorld({
    devices: Array.from({ length: FLEET }, () => ({ checkInDelayMs: 600_000 })),
    settings: { ROTATION_CANARY_DEVICES: '0' },
  });
}

describe('an app that is switched while its run is under way', () => {
  it.each(['off', 'dryRun'] as const)(
    'to %s stops at the next block, goes on looking, and carries on once it is live again',
    async (mode: RotationMode) => {
      const world = midRunWorld();
      const process = world.start();
      let sentWhen = { switched: 0, stopped: 0, back: 0 };
      await world.clock.run(async () => {
        const switching = world.clock.sleep(60_000).then(() => {
          world.mode = mode;
          sentWhen = { ...sentWhen, switched: postsOf(world).length };
        });
        await process.tick();
        await world.deliver(process, START_MS + 6 * HOUR_MS);
        await switching;
        sentWhen = { ...sentWhen, stopped: postsOf(world).length };

        // What was asked before is settled meanwhile; the rest waits, and ticks change nothing.
        const run = await firstRun(world);
        expect(run?.state).toBe('rotating');
        const { proven = 0, planned = 0 } = statesOf(await firstRows(world));
        expect(proven).toBe(sentWhen.stopped);
        expect(planned).toBe(FLEET - sentWhen.stopped);
        await world.clock.sleep(DAY_MS);
        await scheduledTick(process.deps);
        await world.deliver(process, world.clock.nowMs() + HOUR_MS);
        sentWhen = { ...sentWhen, back: postsOf(world).length };

        world.mode = 'live';
        await world.clock.sleep(DAY_MS);
        await scheduledTick(process.deps);
        await world.deliver(process, world.clock.nowMs() + 20 * DAY_MS);
      });
      expect(sentWhen.switched).toBeGreaterThan(0);
      expect(sentWhen.stopped).toBeLessThan(FLEET);
      // Two blocks were in hand: one being sent, one being claimed.
      expect(sentWhen.stopped - sentWhen.switched).toBeLessThanOrEqual(30);
      expect(sentWhen.back).toBe(sentWhen.stopped);
      if (mode === 'dryRun')
        expect(logLines(world, 'the app is not live: nothing is sent until it is')[0]).toMatchObject({ mode });

      const run = await firstRun(world);
      expect(run?.state).toBe('completed');
      expect(statesOf(await firstRows(world))).toEqual({ proven: FLEET });
      await expectHonest(world);
    },
  );

  it('to off starts no run at all', async () => {
    const world = midRunWorld();
    world.mode = 'off';
    const process = world.start();
    await world.clock.run(async () => {
      await process.tick();
      await world.deliver(process, START_MS + DAY_MS);
    });
    expect(await world.runs()).toEqual([]);
    expect(world.sim.history).toEqual([]);
    expect(logLines(world, 'ROTATION_MODE is off: no run is started')).toHaveLength(1);
  });
});

describe('a dry run', () => {
  it('plans, sends nothing and stays dry when the app is armed later', async () => {
    const world = midRunWorld();
    world.mode = 'dryRun';
    const process = world.start();
    await world.clock.run(async () => {
      await process.tick();
      await world.deliver(process, START_MS + HOUR_MS);
      world.mode = 'live';
      await world.deliver(process, START_MS + DAY_MS);
    });
    const run = await firstRun(world);
    expect(run).toMatchObject({ state: 'completed', mode: 'dryRun', due: FLEET });
    expect(statesOf(await firstRows(world))).toEqual({ planned: FLEET });
    expect(postsOf(world)).toEqual([]);
    await expectHonest(world);
  });
});
