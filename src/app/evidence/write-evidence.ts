/** Writes the next version of a run's evidence: once, whole or not at all, whoever writes and however often. Layer: app. */
import { nextEvidence, runDetails } from '../../domain/evidence/run-details.ts';
import type { Run, RunEvidence } from '../../domain/run.ts';
import type { Deps } from '../deps.ts';
import { adoptEvidence } from './adopt-evidence.ts';
import { evidenceName, headMetadata } from './evidence-head.ts';
import { createEvidenceFile } from './evidence-lines.ts';

/** What the writer needs. */
export type EvidenceDeps = Pick<Deps, 'ledger' | 'reportFiles' | 'settings' | 'clock' | 'logger' | 'version'>;

/** Numbers that are tried. Chosen: nobody leaves so many files of such names by mistake, and trying them takes seconds. */
const MOST_NUMBERS = 20;

/**
 * The file's head, for the run's row, which must still be written. When the version is there already, by another owner or by ourselves before
 * a crash, that one counts. A number whose name is taken by anything else is left out, and told in the log. `undefined`: so many are taken that
 * none was written, which is told in the log too, and tried again by the next tick. `signal` ends the writing and leaves nothing.
 * @throws {StorageError} @throws the signal's reason.
 */
export async function writeEvidence(
  deps: EvidenceDeps,
  run: Run,
  signal: AbortSignal,
): Promise<RunEvidence | undefined> {
  const taken: string[] = [];
  const first = nextEvidence(run);
  for (let number = first; number < first + MOST_NUMBERS; number++) {
    const found = await writeAs(deps, run, number, signal);
    if ('taken' in found) {
      taken.push(found.taken);
      continue;
    }
    const { evidence, isOurs } = found;
    const { runId } = run;
    if (taken.length > 0) {
      deps.logger.error('a name for evidence is taken by a blob that is not of this run: its number is left out', {
        runId,
        blob: taken.join(', '),
        evidence: number,
      });
    }
    deps.logger.info(isOurs ? 'evidence written' : 'evidence was written already', {
      runId,
      evidence: number,
      lines: evidence.lines,
      digest: evidence.digest,
    });
    return evidence;
  }
  deps.logger.error('no evidence is written: too many names for it are taken by blobs that are not of this run', {
    runId: run.runId,
    blob: taken.join(', '),
  });
  return undefined;
}

/** `isOurs`: written just now. `taken`: the name of a blob that is not what belongs there. */
type Written = { readonly evidence: RunEvidence; readonly isOurs: boolean } | { readonly taken: string };

async function writeAs(deps: EvidenceDeps, run: Run, number: number, signal: AbortSignal): Promise<Written> {
  const { reportFiles, settings, clock, version } = deps;
  const name = evidenceName(run.runId, number);
  const facts = { run, settings, version, evidence: number, nowMs: clock.nowMs() };
  const file = createEvidenceFile(deps.ledger, facts);
  const head = (): RunEvidence => {
    const { lines, digest } = file.end();
    return { version: number, lines, digest, lateNotices: run.lateNotices ?? 0 };
  };
  const isOurs = await reportFiles.create({
    name,
    contentType: 'text/csv; charset=utf-8',
    content: untilAborted(file.content, signal),
    metadata: () => headMetadata(run, head()),
  });
  const evidence = isOurs ? head() : await adoptEvidence(deps, run, runDetails(facts), signal);
  return evidence === undefined ? { taken: name } : { evidence, isOurs };
}

async function* untilAborted(content: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const piece of content) {
    signal.throwIfAborted();
    yield piece;
  }
}
