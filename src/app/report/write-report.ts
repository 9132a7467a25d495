/** Writes the report of a run's latest evidence beside it. Layer: app. */
import { errorFields } from '../../domain/error-fields.ts';
import type { Run, RunEvidence } from '../../domain/run.ts';
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
    const model = await readReport(deps, run, signal);
    const isWritten = await deps.reportFiles.create({
      name,
      contentType: 'text/html; charset=utf-8',
      content: bytesOf(renderReport(model)),
      metadata: () => ({
        tenantid: run.tenantId,
        runid: runId,
        version: String(evidence.version),
        evidence: evidence.digest,
      }),
    });
    if (!isWritten && (await deps.reportFiles.metadata(name))?.evidence !== evidence.digest) {
      deps.logger.error('the report has its name taken by another blob; keyturn report makes it', {
        runId,
        blob: name,
      });
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

async function* bytesOf(parts: Iterable<string>): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}
