/** Reports as pages to be opened: of the demo's run, and of rotations made up. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { FleetDevice } from '../../../src/app/fleet/fleet-devices.ts';
import { renderReport } from '../../../src/app/report/html/render-report.ts';
import { fleetPage } from '../../../src/cli/render/fleet-page.ts';
import { changesSince, type FleetPicture } from '../../../src/domain/fleet/fleet-picture.ts';
import type { Rotation } from '../../../src/domain/rotation.ts';
import type { Run } from '../../../src/domain/run.ts';
import type { RunPause } from '../../../src/domain/run-throttling.ts';
import { sampleRotation } from '../../contracts/samples.ts';
import { HOSTILE_NAMES, reportModel } from '../../support/report-models.ts';

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

/** The page of a fleet with more devices in need than it shows, some with names that are long or hostile, compared with the day before. */
export function pageOfFleet(): string {
  const at = '2026-11-22T20:15:00.000Z';
  const picture: FleetPicture = {
    tenantId: '7e570000-0000-4000-8000-000000000001',
    at,
    devices: 12_400,
    eligible: 11_900,
    withoutKey: 140,
    pastMaxKeyAge: 2_950,
    nearKeyLimit: 3,
    atKeyLimit: 1,
    rotatedWithoutKey: 2,
    neverAnswered: 55,
    inProgress: 7,
    keyAges: { under30Days: 6_000, under90Days: 3_250, under180Days: 2_200, under365Days: 700, older: 100, none: 140 },
    ineligible: { notEncrypted: 142, notSeenRecently: 348, noEntraDeviceId: 8, duplicateRecord: 2 },
  };
  const previous: FleetPicture = { ...picture, at: '2026-11-21T20:00:00.000Z', rotatedWithoutKey: 0, withoutKey: 145 };
  const names = [...HOSTILE_NAMES, 'N'.repeat(255)];
  const inNeed = Array.from({ length: 120 }, (_, i): FleetDevice => {
    const { managedDeviceId } = sampleRotation(i, {});
    return {
      deviceName: names[i] ?? `LT-${i}`,
      managedDeviceId,
      newestKeyAtMs: Date.parse(at) - (90 + i) * 86_400_000,
      keyCount: i,
      lastSyncAtMs: Date.parse(at),
      needs: i < 2 ? ['rotatedWithoutKey', 'pastMaxKeyAge'] : ['pastMaxKeyAge'],
      isInProgress: false,
    };
  });
  const changes = changesSince(previous, picture);
  return [...fleetPage({ picture, previous, changes, cloud: 'global', inNeed, inNeedInAll: 2_950 })].join('');
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
