/** What a report is called: it stands beside the evidence it was made from, with the same number. Layer: app. */
import type { RunId } from '../../domain/ids.ts';

/** In the container `reports`. Contract. */
export function reportName(runId: RunId, version: number): string {
  return `${runId}/report-${version}.html`;
}
