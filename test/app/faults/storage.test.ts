import { describe, expect, it } from 'vitest';
import type { Life } from '../../support/mortal.ts';
import type { World } from '../../support/world.ts';
import { expectHonest } from './expect-honest.ts';
import { UNREACHABLE, withStorage } from './failing-storage.ts';
import { createFaultWorld, errorMessages, FLEET_SIZE, settle, statesOf } from './fault-world.ts';

/** From the `at`-th operation on, for so long, every matching operation fails. */
function outage(world: World, at: number, forMs: number, which: RegExp) {
  let sinceMs: number | undefined;
  return (operation: string, count: number): boolean => {
    if (count >= at) sinceMs ??= world.clock.nowMs();
    return sinceMs !== undefined && world.clock.nowMs() < sinceMs + forMs && which.test(operation);
  };
}

async function expectAllProven(world: ReturnType<typeof createFaultWorld>, life: Life): Promise<void> {
  const run = await world.clock.run(() => settle(world, world.start(life)));
  expect(run.state).toBe('completed');
  expect(statesOf(await world.rotations(run.runId))).toEqual({ proven: FLEET_SIZE });
  expect(new Set([...errorMessages(world), UNREACHABLE])).toEqual(new Set([UNREACHABLE]));
  await expectHonest(world);
}

/** What an undisturbed run does. */
async function operationsOfARun(): Promise<number> {
  let operations = 0;
  const world = createFaultWorld();
  await expectAllProven(
    world,
    withStorage((_operation, count) => {
      operations = count;
      return false;
    }),
  );
  return operations;
}

describe('storage that fails once', async () => {
  const operations = await operationsOfARun();
  it('has plenty of operations to fail at', () => expect(operations).toBeGreaterThan(250));

  /** Three at a time keep it short; every point is another run. */
  const points = Array.from({ length: Math.floor(operations / 3) }, (_, i) => 1 + i * 3);
  it.each(points)('before or after operation %i loses nothing, in the same process', async (at) => {
    await expectAllProven(
      createFaultWorld(),
      withStorage((_operation, count) => count === at),
    );
  });
});

describe('storage that is unreachable for a while', () => {
  const PARTS = [
    ['all of it', /./],
    ['the tables', /^ledger/],
    ['the queues', /^queues/],
    ['the planning files', /^workFiles/],
    ['the reports', /^reportFiles/],
    ['the budget rows', /^budgets/],
  ] as const;
  const POINTS = [1, 20, 60, 100, 140, 180, 220, 260];
  const table = PARTS.flatMap(([part, which]) =>
    ([1_000, 20_000, 600_000] as const).map((forMs) => [part, forMs, which] as const),
  );

  it.each(table)('is waited out by redelivery and the next tick: %s, for %i ms', async (_part, forMs, which) => {
    for (const at of POINTS) {
      const world = createFaultWorld();
      await expectAllProven(world, withStorage(outage(world, at, forMs, which)));
    }
  });

  it.each([1, 100, 260])('for hours is made good by the next ticks (from operation %i)', async (at) => {
    const world = createFaultWorld();
    await expectAllProven(world, withStorage(outage(world, at, 6 * 3_600_000, /./)));
  });
});

it('leaves no lease behind when handing over fails: the next delivery need not wait for the process to end', async () => {
  const world = createFaultWorld();
  let failures = 0;
  // Graph is unavailable, so the run would be put off; the queue is not there to do it with.
  world.sim.script({ fault: { kind: 'status', status: 503 }, times: 8 });
  const life = withStorage((operation) => {
    if (!operation.startsWith('queues.sendContinuation (before)') || failures > 0 || world.log.length === 0)
      return false;
    failures += 1;
    return true;
  });
  const run = await world.clock.run(() => settle(world, world.start(life)));
  expect(errorMessages(world)).toEqual([UNREACHABLE]);
  expect(run.state).toBe('completed');
  // Redelivered after five minutes, and not held up by a lease that nobody gives back.
  expect((run.rotatingStartedAtMs ?? 0) - run.createdAtMs).toBeLessThan(600_000);
  await expectHonest(world);
});
