/** A poisoned look gives up what it was to settle, and nothing else; a run with nothing left ends. */
import { expect, it } from 'vitest';
import { quarantineMessage } from '../../src/app/quarantine-message.ts';
import type { Slice } from '../../src/domain/run.ts';
import { DAY_MS, HOUR_MS, START_MS } from '../support/world.ts';
import { createFaultWorld, type FaultWorld, firstRows, firstRun, statesOf } from './faults/fault-world.ts';

const FLEET = 10;

/** One slice after its first look, with nothing settled yet. */
function worldOfOneSlice(): FaultWorld {
  return createFaultWorld({
    devices: Array.from({ length: FLEET }, () => ({ checkInDelayMs: 5 * HOUR_MS })),
    settings: { ROTATION_CANARY_DEVICES: '0' },
  });
}

async function onlySlice(world: FaultWorld): Promise<Slice> {
  const run = await firstRun(world);
  const slices: Slice[] = [];
  if (run !== undefined) for await (const { value } of world.ledger.listSlices(run.runId, {})) slices.push(value);
  const [slice] = slices;
  if (slice === undefined || slices.length > 1) throw new Error(`${slices.length} slices`);
  return slice;
}

async function quarantine(world: FaultWorld, look: number) {
  const process = world.start();
  await process.tick();
  await world.deliver(process, START_MS + 2 * HOUR_MS);
  const run = await firstRun(world);
  const slice = await onlySlice(world);
  expect(slice).toMatchObject({ state: 'open', look: 1 });
  const message = { tenantId: run?.tenantId, runId: run?.runId, sliceId: slice.sliceId, look };
  await quarantineMessage(process.deps, 'encryption-states', message);
  const entries = [];
  for await (const entry of world.ledger.listQuarantine()) entries.push(entry);
  return { process, entries };
}

it('gives nothing up for a look that another delivery has done meanwhile: the slice goes on and is proven', async () => {
  const world = worldOfOneSlice();
  await world.clock.run(async () => {
    const { process, entries } = await quarantine(world, 0);
    expect(entries).toMatchObject([{ queue: 'encryption-states', devices: [] }]);
    expect(statesOf(await firstRows(world))).toEqual({ requested: FLEET });
    await world.deliver(process, START_MS + 10 * DAY_MS);
  });
  expect(await firstRun(world)).toMatchObject({ state: 'completed', finalCounts: { proven: FLEET } });
});

it('gives up the look that is due, and ends the run when nothing else is left of it', async () => {
  const world = worldOfOneSlice();
  await world.clock.run(async () => {
    const { entries } = await quarantine(world, 1);
    expect(entries[0]?.devices).toHaveLength(FLEET);
  });
  // No tick and no message was needed.
  expect(await firstRun(world)).toMatchObject({ state: 'completed', finalCounts: { abandoned: FLEET } });
});
