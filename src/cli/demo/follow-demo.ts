/** Fires the timer and follows the run it starts to its end, showing how it goes. Layer: cli. */
import type { RunId } from '../../domain/ids.ts';
import type { Run } from '../../domain/run.ts';
import { isEnded } from '../drive/stage.ts';
import { type RunStanding, watchRun } from '../drive/watch-run.ts';
import type { Progress } from '../progress.ts';
import { demoProgress } from '../render/demo-lines.ts';
import type { DemoWorld } from './demo-world.ts';

export interface FollowOptions {
  readonly world: DemoWorld;
  readonly progress: Progress;
  readonly form: 'drawn' | 'plain';
  readonly signal: AbortSignal;
}

/** Between two readings. Chosen: a drawing that moves, a log that can be read. */
const EVERY_MS = { drawn: 250, plain: 1_000 } as const;
/** The rotation phase of the demo takes seconds. */
const RATE_OVER_MS = 3_000;
const TIMER = 'scheduled-rotation';

/** What the demo gives a run before it says that something is wrong: all its looks, twice. */
function patienceMs({ services }: DemoWorld): number {
  const { confirmScheduleMs, canaryWaitMs } = services.settings;
  return 60_000 + 2 * (canaryWaitMs + confirmScheduleMs.reduce((sum, ms) => sum + ms, 0));
}

/** The run at its end. @throws {Error} when the timer's function failed, or the run does not end in time. */
export async function followDemo({ world, progress, form, signal }: FollowOptions): Promise<Run> {
  const { services, host, tenant } = world;
  const { clock, storage } = services;
  const outcome = await host.fireTimer(TIMER);
  if (outcome.kind === 'failed') throw outcome.error;
  const runId = await currentRunId(world);
  const startedAtMs = clock.nowMs();
  const ended = new AbortController();

  const watch = watchRun({
    ledger: storage.ledger,
    clock,
    runId,
    writeBudget: services.settings.budgets.write,
    everyMs: EVERY_MS[form],
    rateOverMs: RATE_OVER_MS,
    onStanding: (standing: RunStanding) => {
      progress.show(demoProgress({ standing, speed: tenant.speed, elapsedMs: clock.nowMs() - startedAtMs }));
      if (standing.stage === 'finished') ended.abort();
    },
    onFault: (error) =>
      progress.note(`the run's standing could not be read: ${error instanceof Error ? error.message : 'unknown'}`),
  });
  try {
    await clock.sleep(patienceMs(world), AbortSignal.any([signal, ended.signal]));
  } catch (error) {
    if (!signal.aborted && !ended.signal.aborted) throw error;
  } finally {
    await watch.stop();
    progress.end();
  }
  signal.throwIfAborted();
  const run = (await storage.ledger.readRun(runId))?.value;
  if (run === undefined || !isEnded(run))
    throw new Error(`run ${runId} did not end in time; the functions' log says more`);
  return run;
}

async function currentRunId({ services }: DemoWorld): Promise<RunId> {
  const current = await services.storage.ledger.readCurrentRun();
  if (current === undefined) throw new Error('the timer fired and started no run');
  return current.value.runId;
}
