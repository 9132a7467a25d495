/** What an evidence file is called, and what stands beside it. Layer: app. */
import { isDigest } from '../../domain/evidence/read-line.ts';
import { EVIDENCE_FORMAT } from '../../domain/evidence/run-details.ts';
import type { RunId } from '../../domain/ids.ts';
import type { Run, RunEvidence } from '../../domain/run.ts';
import type { ReportMetadata } from '../../domain/stored-files.ts';

/** In the container `reports`. Contract. */
export function evidenceName(runId: RunId, version: number): string {
  return `${runId}/evidence-${version}.csv`;
}

/** The blob's metadata. `previous`: the digest of the version before. */
export function headMetadata(run: Run, head: RunEvidence): ReportMetadata {
  return {
    format: String(EVIDENCE_FORMAT),
    tenantid: run.tenantId,
    runid: run.runId,
    version: String(head.version),
    lines: String(head.lines),
    digest: head.digest,
    latenotices: String(head.lateNotices),
    ...(run.evidence === undefined ? {} : { previous: run.evidence.digest }),
  };
}

/** What the metadata of the run's file `number` says; `undefined` when it is not metadata of ours, or of another run or file. */
export function headOf(
  { tenantId, runId }: Pick<Run, 'tenantId' | 'runId'>,
  number: number,
  metadata: ReportMetadata | undefined,
): RunEvidence | undefined {
  if (metadata?.tenantid !== tenantId || metadata.runid !== runId) return undefined;
  const [version, lines, lateNotices] = ['version', 'lines', 'latenotices'].map((name) => whole(metadata[name]));
  const { digest } = metadata;
  if (version !== number || lines === undefined || lateNotices === undefined || !isDigest(digest)) return undefined;
  return { version, lines, digest, lateNotices };
}

function whole(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
