/** Ends a run once nothing of it is left to look at. Layer: app. */

import type { RunId } from '../domain/ids.ts';
import type { Deps } from './deps.ts';
import { writeEvidence } from './evidence/write-evidence.ts';
import { notifyEnded } from './notify/notify-run.ts';
import { planPrefix } from './plan/plan-files.ts';
import { writeReport } from './report/write-report.ts';
import { countRun } from './run-counts.ts';
import type { RunLease } from './run-lease.ts';
import { takeLease } from './run-lease.ts';

/** True when a slice of the run still has looks or requests to come. */
export async function hasOpenSlices(deps: Deps, runId: RunId): Promise<boolean> {
  for (const state of ['open', 'again'] as const) {
    for await (const _slice of deps.ledger.listSlices(runId, { state, limit: 1 })) return true;
  }
  return false;
}

/** Finishes the run under a lease already held, when it is settled. True when it ended. */
export async function finishIfSettled(deps: Deps, lease: RunLease): Promise<boolean> {
  const run = lease.run();
  if (run.state !== 'settling' || (await hasOpenSlices(deps, run.runId))) return false;
  const counts = await countRun(deps.ledger, run);
  // Before the last write: should deleting fail, finishing is tried again.
  await deps.workFiles.deleteAll(planPrefix(run.tenantId, run.runId));
  // Likewise: a run that cannot be shown has not ended, unless others took every name to show it by; then it stays due.
  const evidence = await writeEvidence(deps, run, lease.lost);
  const written = evidence === undefined ? {} : { evidence };
  const state = run.abortReason === undefined ? 'completed' : 'aborted';
  if (evidence !== undefined) await writeReport(deps, { ...run, state, evidence }, lease.lost);
  await notifyEnded(deps, lease, counts, { state, ...written });
  await lease.release({
    state,
    finishedAtMs: deps.clock.nowMs(),
    finalCounts: counts.states,
    skipped: counts.skipped,
    ...written,
  });
  deps.logger.info(run.abortReason === undefined ? 'run completed' : 'run aborted', {
    runId: run.runId,
    devices: run.devices,
    ...(run.abortReason === undefined ? {} : { abortReason: run.abortReason }),
    counts: counts.states as Readonly<Record<string, number>>,
    skipped: counts.skipped as Readonly<Record<string, number>>,
    ...(evidence === undefined ? {} : { evidence: evidence.version, digest: evidence.digest }),
  });
  return true;
}

/** Finishes a settling run nobody owns; someone who owns it will. */
export async function finishUnowned(deps: Deps, runId: RunId): Promise<void> {
  if (await hasOpenSlices(deps, runId)) return;
  const answer = await takeLease(deps, runId);
  if (answer.kind !== 'leased') return;
  let isFinished = false;
  try {
    isFinished = await finishIfSettled(deps, answer.lease);
  } finally {
    // Also after a fault: a lease that is not given up is renewed as long as this process lives.
    if (!isFinished) await answer.lease.release({});
  }
}
