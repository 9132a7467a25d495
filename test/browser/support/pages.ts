/** Reports as pages to be opened: of the demo's run, and of rotations made up. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { renderReport } from '../../../src/app/report/html/render-report.ts';
import type { Rotation } from '../../../src/domain/rotation.ts';
import { reportModel } from '../../support/report-models.ts';

const ROOT = path.join(import.meta.dirname, '..', '..', '..');

/** Runs the compiled demo, which leaves its report in the file. @throws when its figures do not agree. */
export async function demoReport(file: string, devices: number): Promise<void> {
  const demo = ['dist/src/cli/main.js', 'demo', '--devices', String(devices), '--json', '--html', file];
  await promisify(execFile)(process.execPath, demo, { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 });
}

/** The page of a run with these rotations. */
export function pageOf(rotations: readonly Rotation[]): string {
  return [...renderReport(reportModel(rotations))].join('');
}
