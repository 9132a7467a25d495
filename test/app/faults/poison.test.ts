import { describe, expect, it } from 'vitest';
import type { Fault } from '../../../src/simulator/faults.ts';
import { DAY_MS, HOUR_MS, MAX_DEQUEUE_COUNT } from '../../support/world.ts';
import { expectHonest } from './expect-honest.ts';
import {
  createFaultWorld,
  errorMessages,
  type FaultWorld,
  firstRows,
  firstRun,
  live,
  logLines,
  statesOf,
} from './fault-world.ts';
import { type Place, WHOLE_BATCH } from './places.ts';

const FLEET = 12;
/** Answers that make no sense, for so many hours. */
function garbled(
  world: FaultWorld,
  place: Place,
  hours: number,
  fault: Fault = { kind: 'malformed', variant: 'html' },
) {
  const untilMs = world.clock.nowMs() + hours * HOUR_MS;
  world.sim.script({ ...place, fault, times: 10_000, when: () => world.clock.nowMs() < untilMs });
}

async function quarantined(world: FaultWorld) {
  const entries = [];
  for await (const entry of world.ledger.listQuarantine()) entries.push(entry);
  return entries;
}

async function claims(world: FaultWorld): Promise<number> {
  let held = 0;
  for await (const page of world.ledger.devicePages())
    held += page.filter(({ value }) => value.claim !== undefined).length;
  return held;
}

/** Keys become due again after 30 days, so that later plans have to decide about the devices. */
const worldOf = (checkInDelayMs: number) =>
  createFaultWorld({
    devices: Array.from({ length: FLEET }, () => ({ checkInDelayMs })),
    settings: { ROTATION_CANARY_DEVICES: '0', ROTATION_MAX_KEY_AGE: 'P30D', GRAPH_WRITE_BUDGET: '200/PT20S' },
  });

describe('a look that fails at every delivery', () => {
  it('is quarantined, its slice abandoned, and the devices are let go by the plan that finds them proven', async () => {
    const world = worldOf(2 * HOUR_MS);
    garbled(world, WHOLE_BATCH, 3);
    await world.clock.run(() => live(world, world.start(), 45));

    const [entry, ...others] = await quarantined(world);
    expect(others).toEqual([]);
    expect(entry).toMatchObject({
      queue: 'encryption-states',
      reasons: [
        expect.stringMatching(
          /^looking at slice .* failed at every delivery; the rotations it was to settle are abandoned$/,
        ),
        // The one thing that helps: what the last delivery died of.
        `GraphError: ${errorMessages(world).at(-1)}`,
      ],
    });
    expect(entry?.devices).toHaveLength(FLEET);
    expect(logLines(world, 'message quarantined')).toMatchObject([{ devices: FLEET }]);
    expect(errorMessages(world)).toHaveLength(MAX_DEQUEUE_COUNT);
    expect(errorMessages(world)[0]).toContain(
      "Graph's answer to the request to read action results is malformed at $: expected JSON",
    );

    const run = await firstRun(world);
    expect(run?.state).toBe('completed');
    expect(statesOf(await firstRows(world))).toEqual({ abandoned: FLEET });
    // Thirty days later their new keys are due: the plan finds them, releases the claims and asks again.
    const proven = (await world.runs()).reduce((sum, { finalCounts }) => sum + (finalCounts?.proven ?? 0), 0);
    expect(proven).toBe(FLEET);
    expect(await claims(world)).toBe(0);
    expect([...world.sim.truth.devices()].every(({ requested, rotated }) => requested === 2 && rotated === 2)).toBe(
      true,
    );
    await expectHonest(world, { openEnded: true });
  });

  it('leaves devices that have not answered yet pending: nobody asks them again', async () => {
    const world = worldOf(20 * DAY_MS);
    garbled(world, WHOLE_BATCH, 3);
    await world.clock.run(() => live(world, world.start(), 12));
    expect(await claims(world)).toBe(FLEET);
    const runs = await world.runs();
    expect(runs.length).toBeGreaterThan(5);
    for (const run of runs.slice(0, -1)) expect(run.skipped).toEqual({ rotationPending: FLEET });
    expect(world.sim.referee.rotationsAccepted).toBe(FLEET);
    await expectHonest(world, { openEnded: true });
  });

  it('releases devices that Intune gave up meanwhile, and asks them again', async () => {
    const world = createFaultWorld({
      devices: Array.from({ length: FLEET }, () => ({ checkInDelayMs: 5 * HOUR_MS, behaviour: 'fails' })),
      settings: { ROTATION_CANARY_DEVICES: '0', ROTATION_ABORT_FAILURE_RATE: '1', GRAPH_WRITE_BUDGET: '200/PT20S' },
    });
    garbled(world, WHOLE_BATCH, 3);
    await world.clock.run(() => live(world, world.start(), 9));
    const runs = await world.runs();
    // Within ROTATION_MIN_KEY_AGE of their last request they are left alone; then they are asked, and fail, once more.
    expect(runs.at(-2)?.skipped).toEqual({ keyTooYoung: FLEET });
    expect(runs.map(({ finalCounts }) => finalCounts?.failed ?? 0)).toContain(FLEET);
    expect(world.sim.referee.rotationsAccepted).toBe(2 * FLEET);
    await expectHonest(world, { openEnded: true });
  });
});

describe('a continuation that fails at every delivery', () => {
  it('is kept for people, and the next tick carries the run on', async () => {
    const world = worldOf(HOUR_MS);
    garbled(world, { method: 'GET', path: /managedDevices$/ }, 3, { kind: 'malformed', variant: 'missingValue' });
    await world.clock.run(() => live(world, world.start(), 2));
    expect(await quarantined(world)).toMatchObject([
      {
        queue: 'rotation-runs',
        reasons: [
          'carrying the run on failed at every delivery; the next tick of the timer tries again',
          `GraphError: ${errorMessages(world).at(-1)}`,
        ],
        runId: (await firstRun(world))?.runId,
        // It was to plan the fleet: nobody is named yet.
        devices: [],
      },
    ]);
    const run = await firstRun(world);
    expect(run?.state).toBe('completed');
    expect(statesOf(await firstRows(world))).toEqual({ proven: FLEET });
    await expectHonest(world, { openEnded: true });
  });
});
