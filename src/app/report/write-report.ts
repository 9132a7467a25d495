/** Writes the report of a run's latest evidence beside it. Layer: app. */
import { createHash } from 'node:crypto';
import { errorFields } from '../../domain/error-fields.ts';
import type { Run, RunEvidence } from '../../domain/run.ts';
import type { ReportFiles } from '../../domain/stored-files.ts';
import type { Deps } from '../deps.ts';
import { renderReport } from './html/render-report.ts';
import { type ReportDeps, readReport } from './read-report.ts';
import { reportName } from './report-name.ts';

/** What the writer needs. */
export type ReportWriterDeps = ReportDeps & Pick<Deps, 'logger'>;

/**
 * Tries to. A report is made of the evidence alone, and `keyturn report` makes it again: so whatever goes wrong here is told in the log, and
 * never keeps a run from ending. One that is there already stays.
 */
export async function writeReport(
  deps: ReportWriterDeps,
  run: Run & { readonly evidence: RunEvidence },
  signal: AbortSignal,
): Promise<void> {
  const { runId, evidence } = run;
  const name = reportName(runId, evidence.version);
  try {
    const page = [...renderReport(await readReport(deps, run, signal))];
    const isWritten = await deps.reportFiles.create({
      name,
      contentType: 'text/html; charset=utf-8',
      content: bytesOf(page),
      metadata: () => ({
        tenantid: run.tenantId,
        runid: runId,
        version: String(evidence.version),
        evidence: evidence.digest,
      }),
    });
    if (!isWritten && !(await isThere(deps.reportFiles, name, page))) {
      deps.logger.error(
        'the report has its name taken by another blob, or one of another version; keyturn report makes it',
        {
          runId,
          blob: name,
        },
      );
      return;
    }
    deps.logger.info(isWritten ? 'report written' : 'report was written already', {
      runId,
      evidence: evidence.version,
    });
  } catch (error) {
    deps.logger.warn('the report was not written; keyturn report makes it', { runId, ...errorFields(error) });
  }
}

/** Who may write blobs need not be Keyturn: metadata are not believed. */
async function isThere(files: Pick<ReportFiles, 'read'>, name: string, page: readonly string[]): Promise<boolean> {
  const content = await files.read(name);
  if (content === undefined) return false;
  const [found, own] = [createHash('sha256'), createHash('sha256')];
  for await (const piece of content) found.update(piece);
  for (const part of page) own.update(part);
  return found.digest('hex') === own.digest('hex');
}

async function* bytesOf(parts: Iterable<string>): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}
