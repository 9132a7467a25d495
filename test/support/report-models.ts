/** Report models of plain rotations, by way of the cells of their evidence. */
import { parseSettings } from '../../src/config.ts';
import { deviceCells } from '../../src/domain/evidence/device-cells.ts';
import { runDetails } from '../../src/domain/evidence/run-details.ts';
import { countReport, type ReportModel } from '../../src/domain/report/report-model.ts';
import type { Rotation } from '../../src/domain/rotation.ts';
import type { Run } from '../../src/domain/run.ts';
import { sampleRun } from '../contracts/samples.ts';
import { RUN, TENANT } from './evidence-files.ts';

/** Names that devices should not have, and may. */
export const HOSTILE_NAMES = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "'; alert(1); '",
  '</td></table><h1>owned</h1>',
  '</script></style><!--',
  'javascript:alert(1)',
  '\u202egnp.exe\u202c',
  'x'.repeat(200),
] as const;

/** Of a run that ended well, unless `changes` say otherwise. */
export function reportModel(
  rotations: readonly Rotation[],
  changes: Partial<Run> = {},
  settings: Readonly<Record<string, string>> = {},
): ReportModel {
  const run = sampleRun({
    tenantId: TENANT,
    runId: RUN,
    state: 'completed',
    devices: rotations.length,
    due: rotations.filter(({ state }) => state !== 'skipped' && state !== 'notDue').length,
    evidence: { version: 1, lines: rotations.length + 3, digest: 'ab'.repeat(32), lateNotices: 0 },
    ...changes,
  });
  const details = runDetails({
    run,
    settings: parseSettings({ TENANT_ID: TENANT, ROTATION_MODE: 'live', ...settings }),
    version: '1.2.3',
    nowMs: run.createdAtMs + 11 * 24 * 3_600_000,
  });
  const count = countReport({ details, run, ...(run.evidence === undefined ? {} : { evidence: run.evidence }) });
  for (const rotation of rotations) count.add(deviceCells(run, rotation));
  return count.model();
}
