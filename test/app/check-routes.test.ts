/** A run state names its device at the moment of the request: by then it may be another one than was planned and claimed. */
import { describe, expect, it } from 'vitest';
import type { Deps } from '../../src/app/deps.ts';
import { startTargetedRun } from '../../src/app/start-run.ts';
import { GraphError } from '../../src/domain/graph-error.ts';
import { type ManagedDeviceId, parseManagedDeviceId, parseRunId } from '../../src/domain/ids.ts';
import type { Run } from '../../src/domain/run.ts';
import { SCRIPT_KINDS, type ScriptKind } from '../../src/domain/targets.ts';
import type { Reading, ScriptRunState, Tenant } from '../../src/domain/tenant.ts';
import { DAY_MS, HOUR_MS, START_MS, type World } from '../support/world.ts';
import { createFaultWorld, logLines } from './faults/fault-world.ts';

const SCRIPT = '5c000000-0000-4000-8000-000000000001';
const OWNED = [1, 2, 3] as const;

function createScriptWorld(kind: ScriptKind): World {
  const devices = Array.from({ length: 6 }, (_, i) => ({
    kind: 'online' as const,
    name: `LT-${i}`,
    checkInDelayMs: HOUR_MS,
  }));
  return createFaultWorld({ devices, scripts: [{ kind, id: SCRIPT, failing: 1 }] });
}

const idAt = (world: World, index: number): ManagedDeviceId =>
  parseManagedDeviceId(world.sim.truth.device(index)?.managedDeviceId);
const stateOf = (world: World, index: number) => `${SCRIPT}:${idAt(world, index)}`;
const byState = (world: World, kind: ScriptKind, index: number) =>
  `${kind}s/${SCRIPT}/deviceRunStates/${encodeURIComponent(stateOf(world, index))}/managedDevice`;
const byId = (world: World, index: number) => `managedDevices/${idAt(world, index)}`;

/** Paths of the rotation requests, below `deviceManagement`. */
const asked = (world: World): readonly string[] =>
  world.sim.history
    .filter(({ path }) => path.endsWith('/rotateBitLockerKeys'))
    .map(({ path }) => path.slice('/deviceManagement/'.length, -'/rotateBitLockerKeys'.length))
    .toSorted();

type ReadStates = Tenant['runStates'];
type Answer = (real: ReadonlyMap<string, Reading<ScriptRunState>>) => ReadonlyMap<string, Reading<ScriptRunState>>;

interface Paused {
  readonly pauseMs: number;
  /** What is read of the run states after the pause. */
  readonly later?: Answer;
}

/** A live run over the run states of three devices, planned while the app is not live; sent once it is. */
async function runPaused(world: World, kind: ScriptKind, { pauseMs, later }: Paused) {
  const reads: number[] = [];
  const run: Run = await world.clock.run(async () => {
    const process = world.start();
    let isLater = false;
    const runStates: ReadStates = async (script, id, ids, options) => {
      reads.push(ids.length);
      const real = await process.deps.tenant.runStates(script, id, ids, options);
      return isLater && later !== undefined ? later(real) : real;
    };
    const deps: Deps = { ...process.deps, tenant: { ...process.deps.tenant, runStates } };
    const targets = OWNED.map((index) => ({ [`${kind}Id`]: SCRIPT, deviceRunStateId: stateOf(world, index) }));
    const start = { runId: parseRunId('named'), trigger: 'onDemand', mode: 'live' } as const;
    const { run: started } = await startTargetedRun(deps, { ...start, targets: targets as never });
    const carryOn = async () => {
      const [now] = await world.runs();
      const { tenantId, runId, checkpoint } = now ?? started;
      await world.queues.sendContinuation({ tenantId, runId, checkpoint }, 0);
      await world.deliver({ ...process, deps }, world.clock.nowMs() + 20 * DAY_MS);
    };
    world.mode = 'dryRun';
    await carryOn();
    expect((await world.runs())[0]).toMatchObject({ state: 'rotating', due: 3 });
    await world.clock.sleep(pauseMs);
    isLater = true;
    world.mode = 'live';
    await carryOn();
    expect(world.errors).toEqual([]);
    return (await world.runs())[0] ?? started;
  });
  return { run, reads, rows: await world.rotations(run.runId) };
}

const replace =
  (world: World, index: number, reading: Reading<ScriptRunState>): Answer =>
  (real) =>
    new Map([...real].map(([id, one]) => [id, id === stateOf(world, index) ? reading : one]));

/** Today the run state is about another device. */
function aboutAnother(world: World): Answer {
  return (real) => {
    const other = [...real.values()].find((one) => one.kind === 'found' && one.value.runStateId === stateOf(world, 3));
    if (other?.kind !== 'found') throw new Error('the third run state is not there');
    return replace(world, 2, { ...other, value: { ...other.value, runStateId: stateOf(world, 2) } })(real);
  };
}

describe.each(SCRIPT_KINDS)('a run state of a %s, planned days ago', (kind) => {
  it('that still names its device is asked by it', async () => {
    const world = createScriptWorld(kind);
    const { run, reads, rows } = await runPaused(world, kind, { pauseMs: 3 * DAY_MS });
    expect(reads).toEqual([3, 3]);
    expect(asked(world)).toEqual(OWNED.map((index) => byState(world, kind, index)).toSorted());
    expect(run).toMatchObject({ finalCounts: { proven: 3 } });
    expect(rows.every((row) => row.route?.via === kind)).toBe(true);
  });

  it.each<readonly [string, (world: World) => Answer]>([
    ['names another device', aboutAnother],
    ['is gone', (world) => replace(world, 2, { kind: 'gone' })],
    ['names no device', (world) => replace(world, 2, { kind: 'found', value: { runStateId: 'x', isFailing: true } })],
    ['cannot be read', (world) => replace(world, 2, { kind: 'unreadable', status: 503 })],
  ])('that %s leaves its route: the device that was planned is asked by its own id', async (_what, later) => {
    const world = createScriptWorld(kind);
    const { run, rows } = await runPaused(world, kind, { pauseMs: 3 * DAY_MS, later: later(world) });
    expect(asked(world)).toEqual([byState(world, kind, 1), byId(world, 2), byState(world, kind, 3)].toSorted());
    expect(run).toMatchObject({ finalCounts: { proven: 3 } });
    const routes = new Map(rows.map((row) => [row.managedDeviceId, row.route?.via]));
    expect(OWNED.map((index) => routes.get(idAt(world, index)))).toEqual([kind, undefined, kind]);
    expect(
      world.sim.truth
        .asked()
        .map(({ index }) => index)
        .toSorted(),
    ).toEqual([1, 2, 3]);
    const message = 'run states no longer name the devices that were planned: these are asked for by their own ids';
    expect(logLines(world, message)).toMatchObject([{ devices: 1 }]);
    world.sim.referee.assertClean();
  });
});

describe('run states that cannot be read again', () => {
  it.each(['forbidden', 'unavailable', 'malformed', 'throttled'] as const)(
    '(%s) leave their routes',
    async (errorKind) => {
      const world = createScriptWorld('deviceHealthScript');
      const { run } = await runPaused(world, 'deviceHealthScript', {
        pauseMs: DAY_MS,
        later: () => {
          throw new GraphError(errorKind, 'not today');
        },
      });
      expect(asked(world)).toEqual(OWNED.map((index) => byId(world, index)).toSorted());
      expect(run).toMatchObject({ finalCounts: { proven: 3 } });
    },
  );
});

describe('a fresh plan', () => {
  it('is believed: its run states are not read again', async () => {
    const world = createScriptWorld('deviceHealthScript');
    const { reads } = await runPaused(world, 'deviceHealthScript', { pauseMs: 60_000, later: aboutAnother(world) });
    expect(reads).toEqual([3]);
    expect(asked(world)).toEqual(OWNED.map((index) => byState(world, 'deviceHealthScript', index)).toSorted());
    expect(world.clock.nowMs()).toBeGreaterThan(START_MS);
  });
});
