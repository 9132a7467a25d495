/** Writes the evidence that an ended run still owes: of devices it gave up on that were settled since, or its first. Layer: app. */
import { errorFields } from '../../domain/error-fields.ts';
import type { RunId } from '../../domain/ids.ts';
import { hasEnded, isEvidenceDue, type Run } from '../../domain/run.ts';
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
      if (evidence === undefined) return;
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

/**
 * The same for every run of which a further version is due, for a process without functions around it. One that cannot be written is told in the
 * log, holds no other up, and stays due. @throws {StorageError} when the runs cannot be listed.
 */
export async function renewDueEvidence(deps: Deps): Promise<void> {
  for (const { runId } of await dueRuns(deps)) {
    try {
      await renewEvidence(deps, runId);
    } catch (error) {
      deps.logger.error('further evidence of the run could not be written; the next tick or run tries again', {
        runId,
        ...errorFields(error),
      });
    }
  }
}

/** Asks for it by message, for every run of which some is due: how many. @throws {StorageError} */
export async function askForDueEvidence(deps: Pick<Deps, 'ledger' | 'queues'>): Promise<number> {
  return askForEvidence(deps, await dueRuns(deps));
}

async function dueRuns({ ledger }: Pick<Deps, 'ledger'>): Promise<readonly Run[]> {
  const due: Run[] = [];
  for await (const run of ledger.listRuns({ unfinished: false, evidenceDue: true })) due.push(run);
  return due;
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
