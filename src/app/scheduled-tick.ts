/** What the timer does: sweeps, and rings the bell for the run it finds or starts. Layer: app. */
import type { RunId } from '../domain/ids.ts';
import { checkLedger } from './check-ledger.ts';
import type { Deps } from './deps.ts';
import { askForDueEvidence } from './evidence/renew-evidence.ts';
import { isLeased } from './run-lease.ts';
import { startFleetRun } from './start-run.ts';
import { sweep } from './sweep.ts';

export interface TickResult {
  /** The run this tick started or found; absent when the app is `off`. */
  readonly runId?: RunId;
  readonly isNew: boolean;
}

/**
 * The same tick twice makes one run. Evidence that ended runs owe is asked for after that, and the ledger is looked over last, so that no run
 * waits for either. @throws {StorageError}
 */
export async function scheduledTick(deps: Deps): Promise<TickResult> {
  const result = await ring(deps);
  const owing = await askForDueEvidence(deps);
  if (owing > 0) deps.logger.warn('evidence that is due was asked for again', { count: owing });
  await checkLedger(deps);
  return result;
}

async function ring(deps: Deps): Promise<TickResult> {
  const swept = await sweep(deps);
  if (swept.runs + swept.slices > 0)
    deps.logger.warn('work without an owner was queued again', { count: swept.runs, slices: swept.slices });
  const mode = deps.mode();
  if (mode === 'off') {
    deps.logger.warn('ROTATION_MODE is off: no run is started', { mode });
    return { isNew: false };
  }
  const { run, isNew } = await startFleetRun(deps, { trigger: 'schedule', mode });
  if (isNew && !isLeased(run, deps.ledger.serverNowMs())) {
    await deps.queues.sendContinuation({ tenantId: run.tenantId, runId: run.runId, checkpoint: run.checkpoint }, 0);
  }
  return { runId: run.runId, isNew };
}
