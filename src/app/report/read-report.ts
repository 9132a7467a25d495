/** The model of a run's report: from its latest evidence, or from the ledger while it has none. One pass, in little memory. Layer: app. */
import { readEvidenceHead } from '../../domain/evidence/evidence-head.ts';
import { type RunDetails, runDetails } from '../../domain/evidence/run-details.ts';
import type { RunId } from '../../domain/ids.ts';
import { countReport, type ReportCount, type ReportModel } from '../../domain/report/report-model.ts';
import type { Run, RunEvidence } from '../../domain/run.ts';
import type { Deps } from '../deps.ts';
import { BrokenChainError, chainedLines } from '../evidence/chained-lines.ts';
import { evidenceName } from '../evidence/evidence-head.ts';
import { deviceLines } from '../evidence/evidence-lines.ts';

/** What the reader needs. */
export type ReportDeps = Pick<Deps, 'ledger' | 'reportFiles' | 'settings' | 'clock' | 'version'>;

/** The evidence in storage is not what was written. `keyturn verify` says where. */
export class EvidenceChangedError extends Error {
  override readonly name = 'EvidenceChangedError';
}

/**
 * Whatever is said of a run that has evidence is in that file, byte for byte what the run's row names; so its figures are the file's.
 * @throws {EvidenceChangedError} when the file is missing or another. @throws {StorageError} @throws the signal's reason.
 */
export async function readReport(deps: ReportDeps, run: Run, signal: AbortSignal): Promise<ReportModel> {
  return run.evidence === undefined ? fromLedger(deps, run, signal) : fromEvidence(deps, run, run.evidence, signal);
}

/** The file as it is in storage, unread. @throws {EvidenceChangedError} when it is missing. @throws {StorageError} */
export async function evidenceContent(
  reportFiles: ReportDeps['reportFiles'],
  runId: RunId,
  { version }: Pick<RunEvidence, 'version'>,
): Promise<AsyncIterable<Uint8Array>> {
  const name = evidenceName(runId, version);
  const content = await reportFiles.read(name);
  if (content === undefined) throw new EvidenceChangedError(`${name} is not in the container reports`);
  return content;
}

async function fromLedger(deps: ReportDeps, run: Run, signal: AbortSignal): Promise<ReportModel> {
  const { settings, version, clock } = deps;
  const count = countReport({ details: runDetails({ run, settings, version, nowMs: clock.nowMs() }), run });
  for await (const page of deviceLines(deps.ledger, run)) {
    signal.throwIfAborted();
    for (const cells of page) count.add(cells);
  }
  return count.model();
}

async function fromEvidence(
  { reportFiles }: ReportDeps,
  run: Run,
  evidence: RunEvidence,
  signal: AbortSignal,
): Promise<ReportModel> {
  const name = evidenceName(run.runId, evidence.version);
  const content = await evidenceContent(reportFiles, run.runId, evidence);
  let count: ReportCount | undefined;
  let digest = '';
  try {
    for await (const { fact, cells } of chainedLines(content)) {
      signal.throwIfAborted();
      digest = fact.hash;
      if (fact.record === 'run')
        count = countReport({ details: readDetails(name, cells.details ?? ''), run, evidence });
      if (fact.record === 'device') count?.add(cells);
    }
  } catch (error) {
    if (!(error instanceof BrokenChainError)) throw error;
  }
  if (count === undefined || digest !== evidence.digest) {
    throw new EvidenceChangedError(`${name} is not what was written: keyturn verify says where it differs`);
  }
  return count.model();
}

/** The rest is as it was written, or the digest tells. */
function readDetails(name: string, details: string): RunDetails {
  if (readEvidenceHead(details) === undefined) throw new EvidenceChangedError(`${name} does not say what it is of`);
  return JSON.parse(details) as RunDetails;
}
