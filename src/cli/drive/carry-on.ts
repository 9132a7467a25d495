/** Drives a run with its progress shown, and tells how it ended. Layer: cli. */
import type { Deps } from '../../app/deps.ts';
import { renewDueEvidence } from '../../app/evidence/renew-evidence.ts';
import type { RunId } from '../../domain/ids.ts';
import type { RotationMode } from '../../domain/settings.ts';
import type { Services } from '../../services.ts';
import type { CliContext, CommonOptions } from '../context.ts';
import { createProgress, type Progress, progressForm } from '../progress.ts';
import { createProgressLogger } from '../progress-logger.ts';
import { runProgress } from '../render/run-progress.ts';
import { countReading } from './count-reading.ts';
import { type DriveEnd, type DriveOptions, driveRun, type Waiting } from './drive-run.ts';
import { watchRun } from './watch-run.ts';

/** Between two readings of the ledger for the display. Chosen: moves on a terminal, and misses no stage in a log. */
const WATCH_EVERY_MS = { drawn: 500, plain: 2_000 } as const;

export interface Carrier {
  readonly deps: Deps;
  readonly progress: Progress;
  carryOn(runId: RunId, until: DriveOptions['until']): Promise<DriveEnd>;
}

/** Use-case dependencies of this process, reporting on standard error. `mode`: what this process may do. */
export function createCarrier(
  context: CliContext,
  services: Services,
  options: CommonOptions,
  mode: RotationMode,
): Carrier {
  const { err } = context.terminal;
  const form = progressForm(err, options);
  const progress = createProgress(err, services.clock, form);
  const { logLevel, budgets } = services.settings;
  // The display shows what `info` lines say.
  const logger = createProgressLogger(progress, logLevel === 'info' ? 'warn' : logLevel, context.machine.printable);
  const { deps } = services.invocation(logger, () => mode);
  const { tenant, counts } = countReading(deps.tenant);

  async function carryOn(runId: RunId, until: DriveOptions['until']): Promise<DriveEnd> {
    let waiting: Waiting | undefined;
    const watch = watchRun({
      ledger: deps.ledger,
      clock: deps.clock,
      runId,
      writeBudget: budgets.write,
      everyMs: WATCH_EVERY_MS[form],
      onStanding: (standing) =>
        progress.show(runProgress({ ...standing, read: counts(), ...(waiting === undefined ? {} : { waiting }) })),
      onFault: (error) =>
        progress.note(`the run's standing could not be read: ${error instanceof Error ? error.message : 'unknown'}`),
    });
    try {
      const end = await driveRun(
        { ...deps, tenant },
        {
          runId,
          until,
          signal: context.stopping,
          onWaiting: (next) => {
            waiting = next;
            if (next !== undefined) watch.refresh();
          },
        },
      );
      // What its plan found out about devices that earlier runs gave up on; no function may be there to write it.
      if (!context.stopping.aborted) await renewDueEvidence(deps);
      return end;
    } finally {
      waiting = undefined;
      await watch.stop();
      progress.end();
    }
  }

  return { deps, progress, carryOn };
}
