import { describe, expect, it } from 'vitest';
import type { Rotation } from '../../src/domain/rotation.ts';
import { addCounts, isEvidenceDue, type Run } from '../../src/domain/run.ts';
import { expectEvidence } from '../support/expect-evidence.ts';
import { createLife, ProcessDied } from '../support/mortal.ts';
import { createWorld, DAY_MS, START_MS, type World } from '../support/world.ts';

const UNTIL_MS = START_MS + 40 * DAY_MS;
/** Small blocks, so that a short run has every kind of step more than once. */
const SETTINGS = {
  ROTATION_CANARY_DEVICES: '4',
  ROTATION_CANARY_MIN_PROVEN: '0.25',
  ROTATION_ABORT_FAILURE_RATE: '1',
  GRAPH_WRITE_BUDGET: '10/PT20S',
};

/** Runs until settled; every crash is followed at once by a new process and its tick. Returns where the first process died. */
async function runWithCrash(dieAt: number): Promise<{ world: World; diedAt: string | undefined; steps: number }> {
  const world = createWorld({
    devices: 40,
    seed: 11,
    settings: SETTINGS,
    throttling: { limits: { write: { limit: 10, windowMs: 20_000 } } },
  });
  const life = createLife(dieAt);
  await world.clock.run(async () => {
    let process = world.start(life);
    for (let crashes = 0; crashes < 3; crashes++) {
      try {
        await process.tick();
        await world.deliver(process, UNTIL_MS);
        // What the crash left without a message, the next daily tick makes good.
        const isOpen = (run: Run) => run.finishedAtMs === undefined || isEvidenceDue(run);
        for (let day = 0; day < 3 && (await world.runs()).some(isOpen); day++) {
          await world.clock.sleep(DAY_MS);
          await process.tick();
          await world.deliver(process, UNTIL_MS + 20 * DAY_MS);
        }
        return;
      } catch (error) {
        if (!(error instanceof ProcessDied)) throw error;
        process = world.start();
      }
    }
    throw new Error('the new process died too');
  });
  return { world, diedAt: life.diedAt, steps: life.steps };
}

async function expectHonest(world: World): Promise<void> {
  expect(world.sim.referee.violations).toEqual([]);
  let proven = 0;
  const all: Rotation[] = [];
  const runs = await world.runs();
  expect(runs.at(-1)?.state).toBe('completed');
  for (const run of runs) {
    expect(run.finishedAtMs).toBeDefined();
    const rows = await world.rotations(run.runId);
    expect(rows).toHaveLength(run.devices);
    expect(addCounts(...rows.map((row) => ({ [row.state]: 1 })))).toEqual(run.finalCounts);
    expect(
      rows.filter((row) => ['planned', 'claimed', 'requested', 'uncertain', 'confirmed'].includes(row.state)),
    ).toEqual([]);
    all.push(...rows);
    proven += rows.filter((row) => row.state === 'proven').length;
  }
  expect(proven).toBe(world.sim.truth.rotatedCount());
  expectTraceable(world, all);
  await expectEvidence(world);
}

/** Whoever was asked can be found again by an id that Graph saw, also when the process died before the answer was recorded. */
function expectTraceable(world: World, rows: readonly Rotation[]): void {
  const idsOf = new Map<string, (string | undefined)[]>();
  for (const { method, path, clientRequestId } of world.sim.history) {
    const device = /\/managedDevices\/([^/]+)\/rotateBitLockerKeys$/i.exec(path)?.[1];
    if (method === 'POST' && device !== undefined) idsOf.set(device, [...(idsOf.get(device) ?? []), clientRequestId]);
  }
  const wasAsked = rows.filter(
    ({ claimedAtMs, managedDeviceId }) => claimedAtMs !== undefined && idsOf.has(managedDeviceId),
  );
  expect(wasAsked.length).toBeGreaterThan(20);
  const lost = wasAsked.filter(
    ({ managedDeviceId, clientRequestId }) => !idsOf.get(managedDeviceId)?.includes(clientRequestId),
  );
  expect(lost).toEqual([]);
}

describe('a process that dies', async () => {
  const { world, steps } = await runWithCrash(Number.POSITIVE_INFINITY);
  const asked = world.sim.truth.asked().length;

  it('has plenty of steps to die at', () => {
    expect(steps).toBeGreaterThan(300);
    expect(asked).toBeGreaterThan(20);
  });

  /** All points take a minute; every seventh is enough to notice a broken promise, and is another set whenever the code changes. */
  const stride = 7;
  const points = Array.from({ length: Math.ceil(steps / stride) }, (_, i) => 1 + i * stride);
  it.each(points)('at step %i loses no device, asks none twice, and its successor finishes the run', async (dieAt) => {
    const { world, diedAt } = await runWithCrash(dieAt);
    expect(diedAt).toBeDefined();
    await expectHonest(world);
    // Nobody is forgotten: everything an undisturbed run asks for is asked for.
    expect(world.sim.truth.asked().length).toBeGreaterThanOrEqual(asked);
  });
});

describe('a process that dies in a run that aborts', async () => {
  /** Half of the devices are refused, so that the circuit breaker trips in the second block. */
  const refusing = Array.from({ length: 60 }, (_, i) => ({ behaviour: i % 2 === 0 ? 'refuses' : 'rotates' }) as const);
  const settings = { ROTATION_CANARY_DEVICES: '0', GRAPH_WRITE_BUDGET: '10/PT20S' };
  const limits = { write: { limit: 10, windowMs: 20_000 } };

  async function abortWithCrash(dieAt: number): Promise<{ world: World; steps: number }> {
    const world = createWorld({ devices: refusing, seed: 4, settings, throttling: { limits } });
    const life = createLife(dieAt);
    await world.clock.run(async () => {
      const first = world.start(life);
      try {
        await first.tick();
        await world.deliver(first, UNTIL_MS);
      } catch (error) {
        if (!(error instanceof ProcessDied)) throw error;
      }
      // Its successor carries the run on and starts no other.
      const next = world.start();
      for (let day = 0; day < 3; day++) {
        if ((await world.runs()).length === 0) await next.tick();
        world.mode = 'off';
        await next.tick();
        world.mode = 'live';
        await world.deliver(next, UNTIL_MS);
        await world.clock.sleep(DAY_MS);
      }
    });
    return { world, steps: life.steps };
  }

  const { steps } = await abortWithCrash(Number.POSITIVE_INFINITY);
  const points = Array.from({ length: Math.ceil(steps / 7) }, (_, i) => 1 + i * 7);
  it.each(points)('at step %i: what was asked is settled, what was not stays planned', async (dieAt) => {
    const { world } = await abortWithCrash(dieAt);
    expect(world.sim.referee.violations).toEqual([]);
    const [run] = await world.runs();
    expect(run?.finishedAtMs).toBeDefined();
    if (run === undefined) return;
    const rows = await world.rotations(run.runId);
    expect(addCounts(...rows.map((row) => ({ [row.state]: 1 })))).toEqual(run.finalCounts);
    const asked = new Set(world.sim.truth.asked().map((device) => device.managedDeviceId));
    expect(rows.filter((row) => row.state === 'planned' && asked.has(row.managedDeviceId))).toEqual([]);
    expect(rows.filter((row) => row.state === 'proven')).toHaveLength(world.sim.truth.rotatedCount());
  });
});
