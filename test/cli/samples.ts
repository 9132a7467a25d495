/** Reports and standings for rendering tests. */
import type { RunReport } from '../../src/app/report-run.ts';
import type { RunStanding } from '../../src/cli/drive/watch-run.ts';
import { createStyle } from '../../src/cli/render/style.ts';
import type { EntraDeviceId, ManagedDeviceId, RecoveryKeyId, RunId } from '../../src/domain/ids.ts';
import type { Rotation } from '../../src/domain/rotation.ts';

export const PLAIN = createStyle(false);
export const NOW_MS = Date.UTC(2026, 10, 22, 20, 15, 0);

export const ROTATION: Rotation = {
  order: 0,
  entraDeviceId: '11111111-0000-4000-8000-000000000001' as EntraDeviceId,
  managedDeviceId: '22222222-0000-4000-8000-000000000001' as ManagedDeviceId,
  deviceName: 'LT-FRA-00001',
  state: 'planned',
  canary: true,
  attempt: 0,
  keyBeforeId: '33333333-0000-4000-8000-000000000001' as RecoveryKeyId,
  keyBeforeAtMs: NOW_MS - 100 * 86_400_000,
};

export function report(changes: Partial<RunReport> = {}): RunReport {
  return {
    runId: '20261122-200000-1a2b3c4d' as RunId,
    trigger: 'schedule',
    mode: 'live',
    state: 'settling',
    createdAt: '2026-11-22T20:00:00.000Z',
    devices: 1_000,
    due: 700,
    canaries: 20,
    counts: { proven: 300, requested: 390, failed: 10, notDue: 200, skipped: 100 },
    skipped: { keyTooYoung: 70, notWindows: 30 },
    unresolved: [],
    ...changes,
  };
}

export function standing(changes: Partial<RunStanding> = {}): RunStanding {
  return { report: report(), stage: 'settling', asked: 700, canaries: 20, nowMs: NOW_MS, ...changes };
}
