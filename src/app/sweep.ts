/** The janitor: queues again what a lost message or a dead owner left lying. Layer: app. */
import type { Run } from '../domain/run.ts';
import { tooEarlyMs } from './advance-run.ts';
import type { Deps } from './deps.ts';
import { hasOpenSlices } from './finish-run.ts';
import { isLeased } from './run-lease.ts';
import { sendLook } from './slice-rows.ts';

/** A look this late has lost its message, or waits in a long queue; a second message changes nothing. Chosen: far above the polling interval. */
const OVERDUE_LOOK_MS = 600_000;

export interface SweepResult {
  readonly runs: number;
  readonly slices: number;
}

/** Looks at every unfinished run of the tenant. Doing it twice changes nothing. @throws {StorageError} */
export async function sweep(deps: Deps): Promise<SweepResult> {
  let runs = 0;
  let slices = 0;
  for await (const run of deps.ledger.listRuns({ unfinished: true })) {
    slices += await requeueLateLooks(deps, run);
    if (await needsOwner(deps, run)) {
      await deps.queues.sendContinuation({ tenantId: run.tenantId, runId: run.runId, checkpoint: run.checkpoint }, 0);
      runs += 1;
    }
  }
  return { runs, slices };
}

/** A run that plans or rotates needs an owner; a settling one only to ask again, or to end. */
async function needsOwner(deps: Deps, run: Run): Promise<boolean> {
  if (isLeased(run, deps.ledger.serverNowMs()) || tooEarlyMs(deps, run) > 0) return false;
  if (run.state !== 'settling') return true;
  for await (const _slice of deps.ledger.listSlices(run.runId, { state: 'again', limit: 1 })) return true;
  return !(await hasOpenSlices(deps, run.runId));
}

async function requeueLateLooks(deps: Deps, run: Run): Promise<number> {
  const lateAtMs =
    deps.ledger.serverNowMs() - Math.min(OVERDUE_LOOK_MS, deps.settings.confirmScheduleMs[0] ?? OVERDUE_LOOK_MS);
  let late = 0;
  for await (const slice of deps.ledger.listSlices(run.runId, { state: 'open' })) {
    if (slice.value.dueAtMs > lateAtMs) continue;
    await sendLook(deps, run, slice.value);
    late += 1;
  }
  return late;
}
