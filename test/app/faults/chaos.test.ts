import { describe, expect, it } from 'vitest';
import { RATED_FAULTS } from '../../../src/simulator/faults.ts';
import { createSeededRandom } from '../../../src/simulator/seeded-random.ts';
import { expectHonest, type Honesty } from './expect-honest.ts';
import { withStorage } from './failing-storage.ts';
import { createFaultWorld, type FaultWorld, firstRun, live } from './fault-world.ts';

/** A mixed fleet, every fault that has a rate at 1.5 % of all requests, other apps' traffic, a clock that is off, and short invocations. */
function chaos(seed: number): FaultWorld {
  return createFaultWorld({
    seed,
    devices: 120,
    fleet: 'mixed',
    pageSize: 25,
    secondRequest: seed % 2 === 0 ? 'merged' : 'queued',
    clockSkewMs: (seed - 4) * 1_000,
    faults: Object.fromEntries(RATED_FAULTS.map((name) => [name, 0.015])),
    throttling: {
      window: (['sliding', 'fixed', 'bucket'] as const)[seed % 3] ?? 'sliding',
      foreignShare: 0.3,
      retryAfter: 'mixed',
      limits: { write: { limit: 20, windowMs: 20_000 } },
    },
    tokenLifetimeMs: 3_600_000,
    settings: {
      GRAPH_WRITE_BUDGET: '20/PT20S',
      ROTATION_TIME_BUDGET: 'PT1M',
      // Refusals and broken devices are part of the mix: neither gate is what this is about.
      ROTATION_CANARY_MIN_PROVEN: '0.25',
      ROTATION_ABORT_FAILURE_RATE: '1',
    },
  });
}

async function expectGoodEnd(world: FaultWorld, honesty?: Honesty): Promise<void> {
  const run = await firstRun(world);
  expect(run?.state).toBe('completed');
  expect(run?.finalCounts?.proven).toBeGreaterThan(40);
  await expectHonest(world, honesty);
}

describe('everything going wrong at once', () => {
  it.each([1, 2, 3, 4, 5, 6])('at Graph ends in an honest account (seed %i)', async (seed) => {
    const world = chaos(seed);
    await world.clock.run(() => live(world, world.start(), 20));
    await expectGoodEnd(world);
  });

  it.each([7, 8, 9, 10, 11, 12])('at Graph and in storage too ends in an honest account (seed %i)', async (seed) => {
    const world = chaos(seed);
    const random = createSeededRandom(seed);
    const storage = withStorage(() => random.next() < 0.002);
    await world.clock.run(() => live(world, world.start(storage), 20));
    expect(world.errors.length).toBeGreaterThan(0);
    // A look that met with bad luck at every delivery is given up: see the tests of poison.
    await expectGoodEnd(world, { late: 'abandoned' });
  });
});
