/** The world of the fault tests: a small fleet that simply works, secrets planted everywhere, and a day-to-day life with one tick a day. */
import { scheduledTick } from '../../../src/app/scheduled-tick.ts';
import type { Rotation } from '../../../src/domain/rotation.ts';
import type { Run } from '../../../src/domain/run.ts';
import type { WorkFiles } from '../../../src/domain/stored-files.ts';
import type { ScriptedFault } from '../../../src/simulator/faults.ts';
import type { Life } from '../../support/mortal.ts';
import { createWorld, DAY_MS, START_MS, type TestProcess, type World, type WorldOptions } from '../../support/world.ts';

/** Devices of the default fleet; all are due, and rotate within 25 minutes of being asked. */
export const FLEET_SIZE = 24;

export interface FaultWorld extends World {
  /** Every planning chunk ever written, as text. */
  readonly files: string[];
}

/** Four canaries, blocks of ten, pages of ten: a short run has every kind of step more than once. */
export function createFaultWorld({ settings, ...options }: WorldOptions = {}): FaultWorld {
  const world = createWorld({
    devices: FLEET_SIZE,
    fleet: 'healthy',
    seed: 5,
    latencyMs: [20, 120],
    pageSize: 10,
    plantSecrets: true,
    historyLimit: 100_000,
    ...options,
    settings: { ROTATION_CANARY_DEVICES: '4', GRAPH_WRITE_BUDGET: '10/PT20S', ...settings },
  });
  const files: string[] = [];
  return Object.assign(world, {
    files,
    start: ((start) => (life?: Life) => {
      const process = start(life);
      return { ...process, deps: { ...process.deps, workFiles: noting(process.deps.workFiles, files) } };
    })(world.start),
  });
}

function noting(workFiles: WorkFiles, files: string[]): WorkFiles {
  const note = (bytes: Uint8Array) => files.push(Buffer.from(bytes).toString('latin1'));
  return {
    ...workFiles,
    put: (name, bytes) => {
      note(bytes);
      return workFiles.put(name, bytes);
    },
    create: (name, bytes) => {
      note(bytes);
      return workFiles.create(name, bytes);
    },
  };
}

/** A tick a day and every message when it falls due, for so many days. What a tick throws is kept: tomorrow's tries again. */
export async function live(world: FaultWorld, process: TestProcess, days: number): Promise<void> {
  for (let day = 0; day < days; day++) {
    await scheduledTick(process.deps).catch((error: unknown) => world.errors.push(error));
    const untilMs = startOfDay(world, 1);
    await world.deliver(process, untilMs - 60_000);
    await world.clock.sleep(Math.max(0, untilMs - world.clock.nowMs()));
  }
}

function startOfDay(world: World, daysAhead: number): number {
  return START_MS + (Math.floor((world.clock.nowMs() - START_MS) / DAY_MS) + daysAhead) * DAY_MS;
}

/** One tick, and every message until the run is settled or nothing is left to deliver. Ticks on, a day at a time, while the run needs it. */
export async function settle(world: FaultWorld, process: TestProcess = world.start()): Promise<Run> {
  await scheduledTick(process.deps).catch((error: unknown) => world.errors.push(error));
  await world.deliver(process, START_MS + 30 * DAY_MS);
  for (let day = 0; day < 5; day++) {
    const run = await firstRun(world);
    if (run !== undefined && run.finishedAtMs !== undefined) return run;
    await world.clock.sleep(DAY_MS);
    await scheduledTick(process.deps).catch((error: unknown) => world.errors.push(error));
    await world.deliver(process, world.clock.nowMs() + 30 * DAY_MS);
  }
  const run = await firstRun(world);
  if (run === undefined) throw new Error('no run was ever started');
  return run;
}

/** One run from its tick to its end, with these faults on the way. */
export async function runWith(
  faults: readonly ScriptedFault[],
  options: WorldOptions = {},
): Promise<{ readonly world: FaultWorld; readonly run: Run; readonly rows: readonly Rotation[] }> {
  const world = createFaultWorld(options);
  for (const fault of faults) world.sim.script(fault);
  const run = await world.clock.run(() => settle(world));
  return { world, run, rows: await world.rotations(run.runId) };
}

/** The run that was started first. */
export async function firstRun(world: World): Promise<Run | undefined> {
  return (await world.runs()).at(-1);
}

/** Its rows. */
export async function firstRows(world: World): Promise<readonly Rotation[]> {
  const run = await firstRun(world);
  return run === undefined ? [] : world.rotations(run.runId);
}

/** How many rows are in each state. */
export function statesOf(rows: readonly Rotation[]): Readonly<Record<string, number>> {
  const states: Record<string, number> = {};
  for (const { state } of rows) states[state] = (states[state] ?? 0) + 1;
  return states;
}

/** Log lines of that message, parsed. */
export function logLines(world: World, message: string): readonly Readonly<Record<string, unknown>>[] {
  return world.log
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
    .filter((line) => line.msg === message || line.message === message);
}

/** The messages of everything that was thrown. */
export function errorMessages(world: World): readonly string[] {
  return world.errors.map((error) => (error instanceof Error ? error.message : String(error)));
}
