/** Reports as pages to be opened: of the demo's run, and of rotations made up. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { renderReport } from '../../../src/app/report/html/render-report.ts';
import type { Rotation } from '../../../src/domain/rotation.ts';
import type { Run } from '../../../src/domain/run.ts';
import type { RunPause } from '../../../src/domain/run-throttling.ts';
import { sampleRotation } from '../../contracts/samples.ts';
import { reportModel } from '../../support/report-models.ts';

const ROOT = path.join(import.meta.dirname, '..', '..', '..');

/** Runs the compiled demo, which leaves its report in the file. @throws when its figures do not agree. */
export async function demoReport(file: string, devices: number): Promise<void> {
  const demo = ['dist/src/cli/main.js', 'demo', '--devices', String(devices), '--json', '--html', file];
  await promisify(execFile)(process.execPath, demo, { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 });
}

/** The page of a run with these rotations. */
export function pageOf(rotations: readonly Rotation[], changes: Partial<Run> = {}): string {
  return [...renderReport(reportModel(rotations, changes))].join('');
}

/** The page of a run that asked ten devices a second for ten minutes, and was throttled every other minute. */
export function throttledPage(): string {
  const fromMs = Date.UTC(2026, 10, 22, 2);
  const rotations = Array.from({ length: 6_000 }, (_, i) =>
    sampleRotation(i, { state: 'proven', httpStatus: 204, acceptedByMs: fromMs + i * 100 }),
  );
  const pauses = Array.from({ length: 5 }, (_, i): RunPause => {
    const atMs = fromMs + i * 120_000;
    const lowered = { factor: 0.9 - i / 10, factorAtMs: atMs + 21_000, ceiling: 0.95 - i / 10 };
    return { requestClass: 'write', fromMs: atMs, untilMs: atMs + 21_000, throttled: 10 - i, lowered };
  });
  return pageOf(rotations, { throttling: { pauses } });
}
