/** Writes a further version of an ended run's evidence when devices it gave up on were settled since. Layer: app. */
import type { RunId } from '../../domain/ids.ts';
import { isEvidenceDue, type Run } from '../../domain/run.ts';
import type { Deps } from '../deps.ts';
import { writeReport } from '../report/write-report.ts';
import { LeaseLostError, takeLease } from '../run-lease.ts';
import { writeEvidence } from './write-evidence.ts';

/** Nothing happens while someone else holds the run, or when nothing is due: the next tick finds what is left. @throws {StorageError} */
export async function renewEvidence(deps: Deps, runId: RunId): Promise<void> {
  const answer = await takeLease(deps, runId);
  if (answer.kind !== 'leased') return;
  const { lease } = answer;
  try {
    while (hasEnded(lease.run()) && isEvidenceDue(lease.run())) {
      const evidence = await writeEvidence(deps, lease.run(), lease.lost);
      await writeReport(deps, { ...lease.run(), evidence }, lease.lost);
      await lease.update({ evidence });
    }
  } catch (error) {
    if (error instanceof LeaseLostError) return;
    throw error;
  } finally {
    // Also after a fault: a lease that is not given up is renewed as long as this process lives.
    await lease.release({}).catch((error: unknown) => {
      if (!(error instanceof LeaseLostError)) throw error;
    });
  }
}

/** The same for every run of which a further version is due, for a process without functions around it. @throws {StorageError} */
export async function renewDueEvidence(deps: Deps): Promise<void> {
  const due: RunId[] = [];
  for await (const { runId } of deps.ledger.listRuns({ unfinished: false, evidenceDue: true })) due.push(runId);
  for (const runId of due) await renewEvidence(deps, runId);
}

/** Asks for it by message, for runs that have ended; one still in progress writes its evidence when it ends. @throws {StorageError} */
export async function askForEvidence(deps: Pick<Deps, 'queues'>, runs: Iterable<Run>): Promise<number> {
  let asked = 0;
  for (const run of runs) {
    if (!hasEnded(run) || !isEvidenceDue(run)) continue;
    await deps.queues.sendContinuation({ tenantId: run.tenantId, runId: run.runId, checkpoint: run.checkpoint }, 0);
    asked += 1;
  }
  return asked;
}

function hasEnded({ state }: Run): boolean {
  return state === 'completed' || state === 'aborted';
}
