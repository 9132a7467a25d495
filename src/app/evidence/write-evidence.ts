/** Writes the next version of a run's evidence: once, whole or not at all, whoever writes and however often. Layer: app. */
import { nextEvidence } from '../../domain/evidence/run-details.ts';
import type { Run, RunEvidence } from '../../domain/run.ts';
import type { Deps } from '../deps.ts';
import { evidenceName, headMetadata, headOf } from './evidence-head.ts';
import { createEvidenceFile } from './evidence-lines.ts';

/** What the writer needs. */
export type EvidenceDeps = Pick<Deps, 'ledger' | 'reportFiles' | 'settings' | 'clock' | 'logger' | 'version'>;

/**
 * The file's head, for the run row, which must still be written. When the version is there already, by another owner or by ourselves before
 * a crash, that one counts. `signal` ends the writing and leaves nothing.
 * @throws {StorageError} @throws {Error} when the name is taken by something else. @throws the signal's reason.
 */
export async function writeEvidence(deps: EvidenceDeps, run: Run, signal: AbortSignal): Promise<RunEvidence> {
  const { reportFiles, settings, clock, version } = deps;
  const name = evidenceName(run.runId, nextEvidence(run));
  const file = createEvidenceFile(deps.ledger, { run, settings, version, nowMs: clock.nowMs() });
  const head = (): RunEvidence => {
    const { lines, digest } = file.end();
    return { version: nextEvidence(run), lines, digest, lateNotices: run.lateNotices ?? 0 };
  };
  const isOurs = await reportFiles.create({
    name,
    contentType: 'text/csv; charset=utf-8',
    content: untilAborted(file.content, signal),
    metadata: () => headMetadata(run, head()),
  });
  const evidence = isOurs ? head() : headOf(run, await reportFiles.metadata(name));
  if (evidence === undefined)
    throw new Error(`${name} is in the container reports already, and is not evidence of this run`);
  deps.logger.info(isOurs ? 'evidence written' : 'evidence was written already', {
    runId: run.runId,
    evidence: evidence.version,
    lines: evidence.lines,
    digest: evidence.digest,
  });
  return evidence;
}

async function* untilAborted(content: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const piece of content) {
    signal.throwIfAborted();
    yield piece;
  }
}
