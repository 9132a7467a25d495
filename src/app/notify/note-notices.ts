/** Writes down what was posted of a run, without its lease, and beside whatever its owner writes. Layer: app. */
import type { RunId } from '../../domain/ids.ts';
import type { NotifyOutcome } from '../../domain/notification.ts';
import type { Run, RunNotices } from '../../domain/run.ts';
import { type NotifyDeps, sayItFailed } from './run-notification.ts';

/**
 * Writes what `change` makes of the notices; it is asked once more after each lost race. Returns the run as written. `undefined`: there is
 * nothing to change, or no such run. @throws {StorageError}
 */
export async function noteNotices(
  { ledger }: Pick<NotifyDeps, 'ledger'>,
  runId: RunId,
  change: (notices: RunNotices) => RunNotices | undefined,
): Promise<Run | undefined> {
  for (;;) {
    const found = await ledger.readRun(runId);
    const notified = found === undefined ? undefined : change(found.value.notified ?? {});
    if (found === undefined || notified === undefined) return undefined;
    const run: Run = { ...found.value, notified };
    if ((await ledger.writeRun(run, found.version)) !== undefined) return run;
  }
}

/** Says in the log that the webhook failed, unless that was said of this run before. @throws {StorageError} */
export async function noteFailure(
  deps: Pick<NotifyDeps, 'ledger' | 'clock' | 'logger'>,
  runId: RunId,
  outcome: Extract<NotifyOutcome, { kind: 'failed' }>,
): Promise<void> {
  const failedAtMs = deps.clock.nowMs();
  const noted = await noteNotices(deps, runId, (notices) =>
    notices.failedAtMs === undefined ? { ...notices, failedAtMs } : undefined,
  );
  if (noted !== undefined) sayItFailed(deps, noted, outcome);
}
