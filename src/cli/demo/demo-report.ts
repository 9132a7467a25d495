/** Keeps the report of the demo's run, whose storage ends with the demo. Layer: cli. */
import { writeFile } from 'node:fs/promises';
import { reportName } from '../../app/report/report-name.ts';
import type { Run } from '../../domain/run.ts';
import type { ReportFiles } from '../../domain/stored-files.ts';
import { UsageError } from '../usage-error.ts';

/** Where it is; `undefined` when it was to be nowhere, or the run has none. @throws {UsageError} {@link StorageError} */
export async function saveDemoReport(
  reportFiles: Pick<ReportFiles, 'read'>,
  { runId, evidence }: Run,
  file: string | undefined,
): Promise<string | undefined> {
  if (file === undefined || evidence === undefined) return undefined;
  const content = await reportFiles.read(reportName(runId, evidence.version));
  if (content === undefined) return undefined;
  try {
    await writeFile(file, content);
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error && 'code' in error)) throw error;
    throw new UsageError(`${file} cannot be written (${String(error.code)}).`);
  }
  return file;
}
