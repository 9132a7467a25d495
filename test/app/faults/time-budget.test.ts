import { describe, expect, it } from 'vitest';
import { expectHonest } from './expect-honest.ts';
import { errorMessages, runWith, statesOf } from './fault-world.ts';

/** Ages apart, so that the order of the run leaves no choice. */
const DEVICES = Array.from({ length: 60 }, (_, i) => ({ keyAgeDays: 400 - i, checkInDelayMs: 900_000 }));

async function runOf(timeBudget: string) {
  const { world, run, rows } = await runWith([], {
    devices: DEVICES,
    pageSize: 5,
    settings: { ROTATION_TIME_BUDGET: timeBudget, ROTATION_CANARY_DEVICES: '4' },
  });
  expect(errorMessages(world)).toEqual([]);
  expect(run.state).toBe('completed');
  await expectHonest(world);
  return { world, run, rows };
}

describe('a time budget so short that every stage is handed over', async () => {
  const { run: long, rows: expected } = await runOf('PT8M');

  it.each(['PT10S', 'PT5S', 'PT2S', 'PT1S'])('of %s gives the same result as one long invocation', async (budget) => {
    const { run, rows } = await runOf(budget);
    expect(run.checkpoint).toBeGreaterThan(long.checkpoint + 3);
    expect(run.finalCounts).toEqual(long.finalCounts);
    const result = (row: (typeof rows)[number]) => [row.order, row.deviceName, row.state, row.canary, row.attempt];
    expect(rows.map(result)).toEqual(expected.map(result));
    expect(statesOf(rows)).toEqual({ proven: DEVICES.length });
  });
});
