import { describe, expect, it } from 'vitest';
import type { Deps } from '../../../src/app/deps.ts';
import { evidenceName } from '../../../src/app/evidence/evidence-head.ts';
import type { Run } from '../../../src/domain/run.ts';
import { expectEvidence } from '../../support/expect-evidence.ts';
import { createLife, type Life, ProcessDied } from '../../support/mortal.ts';
import { createWorld, DAY_MS, START_MS, type TestProcess, type World } from '../../support/world.ts';

const SETTINGS = {
  ROTATION_CANARY_DEVICES: '0',
  ROTATION_SEEN_WITHIN: 'P400D',
  ROTATION_MAX_KEY_AGE: 'P8D',
  GRAPH_WRITE_BUDGET: '10/PT20S',
};
/** Some obey at once, some on the fourteenth day, when their run has given up on them for some days. */
const DEVICES = Array.from({ length: 12 }, (_, i) => ({
  name: `PC-${i}`,
  ...(i % 3 === 0 ? { checkInDelayMs: 13 * DAY_MS } : {}),
}));

/** A tick a day. A process that dies has a successor at once, whose tick makes good what was left lying. */
async function days(world: World, process: TestProcess, count: number): Promise<TestProcess> {
  let alive = process;
  for (let day = 0; day < count; day++) {
    const untilMs = START_MS + (Math.floor((world.clock.nowMs() - START_MS) / DAY_MS) + 1) * DAY_MS;
    for (let deaths = 0; deaths < 3; deaths++) {
      try {
        await alive.tick();
        await world.deliver(alive, untilMs - 60_000);
        break;
      } catch (error) {
        if (!(error instanceof ProcessDied)) throw error;
        alive = world.start();
        // What the dead one held becomes free.
        await world.clock.sleep(30_000);
      }
    }
    await world.clock.sleep(Math.max(0, untilMs - world.clock.nowMs()));
  }
  return alive;
}

async function firstRun(world: World): Promise<Run> {
  const run = (await world.runs()).at(-1);
  if (run === undefined) throw new Error('no run');
  return run;
}

/** So many days in peace, then one in which the process lives as it is told, then so many in peace again. */
async function dayWith(
  before: number,
  life: Life,
  change: (deps: Deps, life: Life) => Deps = (deps) => deps,
): Promise<World> {
  const world = createWorld({ devices: DEVICES, seed: 4, settings: SETTINGS });
  await world.clock.run(async () => {
    await days(world, world.start(), before);
    const process = world.start(life);
    const changed = { ...process, deps: change(process.deps, life) };
    await days(world, await days(world, changed, 1), 3);
  });
  expect(world.sim.referee.violations).toEqual([]);
  return world;
}

/** A life that remembers its steps. */
function remembered(): { readonly life: Life; readonly steps: string[] } {
  const life = createLife();
  const steps: string[] = [];
  const step = (what: string) => {
    steps.push(what);
    life.step(what);
  };
  return { life: { ...life, step }, steps };
}

/** Every step near one that has to do with evidence; of the others, which are looked at elsewhere, every eleventh. */
function pointsOf(steps: readonly string[]): readonly number[] {
  const isNear = (i: number) => steps.slice(Math.max(0, i - 8), i + 9).some((what) => what.startsWith('reportFiles.'));
  return steps.flatMap((_what, i) => (isNear(i) || i % 11 === 0 ? [i + 1] : []));
}

/** On the eleventh day the last look is over, and the run ends. */
const ENDS_ON = 10;
/** The plan of that day finds the late ones. */
const LATE_ON = 14;

describe('a process that dies on the day a run ends', async () => {
  const { life, steps } = remembered();
  const undisturbed = await dayWith(ENDS_ON, life);

  it('has written evidence on that day', async () => {
    expect((await firstRun(undisturbed)).finalCounts).toEqual({ proven: 8, overdue: 4 });
    expect(steps).toContain('reportFiles.create (after)');
    await expectEvidence(undisturbed);
  });

  it.each(pointsOf(steps))('at step %i leaves no half evidence, and its successor one that is whole', async (dieAt) => {
    const dying = createLife(dieAt);
    const world = await dayWith(ENDS_ON, dying);
    expect(dying.diedAt).toBeDefined();
    expect((await firstRun(world)).state).toBe('completed');
    await expectEvidence(world);
  });

  it.each([0, 1, 2])('after %i pages of rotations, in the middle of the file, leaves nothing', async (pages) => {
    let begun = 0;
    const world = await dayWith(ENDS_ON, createLife(), (deps, dying) => ({
      ...deps,
      ledger: {
        ...deps.ledger,
        async *rotationPages(runId) {
          for await (const page of deps.ledger.rotationPages(runId)) {
            // Single rows, so that a short run has several pages.
            for (const [i, row] of page.entries()) {
              if (i === pages && begun++ === 0) {
                dying.kill();
                dying.step('a page');
              }
              yield [row];
            }
          }
        },
      },
    }));
    expect(begun).toBeGreaterThan(0);
    expect((await firstRun(world)).evidence?.version).toBeGreaterThanOrEqual(1);
    await expectEvidence(world);
  });
});

describe('a process that dies on the day its plan finds out about devices that were given up on', async () => {
  const { life, steps } = remembered();
  const undisturbed = await dayWith(LATE_ON, life);

  it('has written a second version on that day', async () => {
    const run = await firstRun(undisturbed);
    expect(run.evidence).toMatchObject({ version: 2, lateNotices: 1 });
    expect(steps).toContain('reportFiles.create (after)');
  });

  it.each(pointsOf(steps))('at step %i forgets none of them', async (dieAt) => {
    const world = await dayWith(LATE_ON, createLife(dieAt));
    await expectEvidence(world);
    const run = await firstRun(world);
    const rows = await world.rotations(run.runId);
    expect(rows.filter(({ state, late }) => state === 'overdue' && late?.state === 'proven')).toHaveLength(4);
    // One more than needed, at most: when it died between the notice and letting go.
    expect([2, 3]).toContain(run.evidence?.version);
    expect(await world.reportFiles.list(evidenceName(run.runId, 1))).toHaveLength(1);
  });
});
