/** Whatever a device, a person or a file is called, a terminal shows it and obeys nothing of it. */
import { describe, expect, it } from 'vitest';
import type { FleetDevice } from '../../../src/app/fleet/fleet-devices.ts';
import type { GrantReport } from '../../../src/app/grant-roles.ts';
import type { QuarantineReport } from '../../../src/app/report-quarantine.ts';
import type { VerifyResult } from '../../../src/cli/commands/verify.ts';
import { createProgressLogger } from '../../../src/cli/progress-logger.ts';
import { deviceLines } from '../../../src/cli/render/device-lines.ts';
import { doctorLines } from '../../../src/cli/render/doctor-lines.ts';
import { fleetLines } from '../../../src/cli/render/fleet-lines.ts';
import { grantLines } from '../../../src/cli/render/grant-lines.ts';
import { logLine } from '../../../src/cli/render/log-line.ts';
import { planLines } from '../../../src/cli/render/plan-lines.ts';
import { dismissedLines, quarantineLines, requeuedLines } from '../../../src/cli/render/quarantine-lines.ts';
import { runLines } from '../../../src/cli/render/run-lines.ts';
import type { FleetPicture } from '../../../src/domain/fleet/fleet-picture.ts';
import type { RunId } from '../../../src/domain/ids.ts';
import { noKeyAges } from '../../../src/domain/key-ages.ts';
import { sampleRotation } from '../../contracts/samples.ts';
import { verifyLines } from '../../support/verify-lines.ts';
import { NOW_MS, PLAIN, report } from '../samples.ts';

/** Clears the screen, names the window, turns what follows around, hides, and begins a line of its own. */
const EVIL = 'A\u001b[2J\u001b]0;x\u0007\u009b1m\u202eB\u2066\u200b\r\nC\u2028D';
const SEEN = 'A\ufffd[2J\ufffd]0;x\ufffd\ufffd1m\ufffdB\ufffd\ufffd\ufffd\ufffdC\ufffdD';

const rotation = sampleRotation(0, { deviceName: EVIL, requestId: EVIL, httpStatus: 400 });
const state = {
  id: EVIL,
  deviceName: EVIL,
  userPrincipalName: EVIL,
  deviceType: EVIL,
  osVersion: EVIL,
  tpmSpecificationVersion: EVIL,
  encryptionReadinessState: EVIL,
  encryptionState: EVIL,
  encryptionPolicySettingState: EVIL,
  advancedBitLockerStates: [EVIL],
  fileVaultStates: [EVIL],
  policyDetails: [{ policyId: EVIL, policyName: EVIL }],
};

const picture: FleetPicture = {
  tenantId: '7e570000-0000-4000-8000-000000000001',
  at: '2026-11-22T20:15:00.000Z',
  devices: 1,
  eligible: 1,
  withoutKey: 0,
  pastMaxKeyAge: 0,
  nearKeyLimit: 0,
  atKeyLimit: 0,
  rotatedWithoutKey: 1,
  neverAnswered: 0,
  inProgress: 0,
  keyAges: noKeyAges(),
  ineligible: {},
};
const dangerous = (deviceName: string): FleetDevice => ({
  deviceName,
  managedDeviceId: rotation.managedDeviceId,
  newestKeyAtMs: NOW_MS,
  keyCount: 4,
  lastSyncAtMs: NOW_MS,
  needs: ['rotatedWithoutKey'],
  isInProgress: false,
  askedAtMs: NOW_MS,
});
const fleet = (deviceName: string) => ({
  picture,
  changes: [],
  files: [],
  rotatedWithoutKey: [dangerous(deviceName), dangerous('LT-1')],
});
const plan = (deviceName: string) => ({
  report: report({ unresolved: [EVIL] }),
  first: [{ ...rotation, deviceName }, sampleRotation(1, { deviceName: 'LT-1' })],
  leastMs: 0,
  nowMs: NOW_MS,
});

const quarantined: QuarantineReport = {
  id: 'rotation-requests-1',
  queue: 'rotation-requests',
  reasons: [EVIL],
  message: EVIL,
  devices: [EVIL],
  at: new Date(NOW_MS).toISOString(),
  stays: EVIL,
  command: 'npx keyturn requeue --dismiss rotation-requests-1',
};

const grant: GrantReport = {
  principal: { id: 'p', appId: 'a', displayName: EVIL, type: 'Application' },
  mode: 'really',
  roles: [],
  spare: [],
  stopped: { because: 'unavailable', message: EVIL },
  ok: false,
};

const proof = { line: 2, deviceName: EVIL, because: EVIL };
const verification = {
  lines: 3,
  problems: [],
  differences: [{ name: `states.${EVIL}`, stated: 1, counted: 2 }],
  figures: { devices: 1, states: {} },
  hasEnd: true,
};
const verified = (ledger: VerifyResult['ledger']) =>
  ({
    file: 'evidence-1.csv',
    verification,
    ledger,
    graph: { proven: 1, agreed: 0, disagreements: [proof], unchecked: [proof], actions: {} },
  }) as unknown as VerifyResult;

function noted(): readonly string[] {
  const notes: string[] = [];
  createProgressLogger({ note: (line) => notes.push(line) }, 'warn', (text) => text).warn('skipped', {
    deviceName: EVIL,
    errorMessage: EVIL,
  });
  return notes;
}

describe('foreign text', () => {
  it.each<readonly [string, () => readonly string[]]>([
    [
      'about a device',
      () =>
        deviceLines(
          {
            rotation: {
              runId: 'r-1' as RunId,
              mode: 'live',
              rotation: { ...rotation, encryptionStates: [{ look: 0, atMs: NOW_MS, state }] },
            },
          },
          PLAIN,
        ),
    ],
    ['in a plan', () => planLines(plan(EVIL), PLAIN, 120)],
    ['of a request', () => runLines(report({ reason: EVIL, requestedBy: EVIL, unresolved: [EVIL] }), PLAIN, 120)],
    ['in the fleet', () => fleetLines(fleet(EVIL), PLAIN, 120)],
    ['in quarantine', () => quarantineLines([quarantined], NOW_MS, PLAIN, 120)],
    ['put back', () => requeuedLines([{ id: 'i', queue: 'q', outcome: 'stays', message: EVIL }], 'really', PLAIN, 120)],
    [
      'dismissed',
      () =>
        dismissedLines(
          [{ id: 'i', queue: 'q', outcome: 'dismissed', message: EVIL, entry: quarantined }],
          'really',
          NOW_MS,
          PLAIN,
          120,
        ),
    ],
    [
      'that the ledger disagrees with',
      () => verifyLines(verified({ kind: 'differs', differences: [EVIL, EVIL], notes: [EVIL] }), PLAIN),
    ],
    ['that is not compared', () => verifyLines(verified({ kind: 'notCompared', because: EVIL }), PLAIN)],
    [
      'that the doctor found',
      () =>
        doctorLines(
          { checks: [{ name: 'graph', status: 'fail', message: EVIL, action: EVIL }], ok: false },
          PLAIN,
          120,
        ),
    ],
    ['of an application', () => grantLines(grant, PLAIN, 300)],
    [
      'in a log line',
      () => [
        logLine(
          {
            atMs: NOW_MS,
            functionName: 'f',
            level: 'warn',
            line: JSON.stringify({ message: 'skipped', deviceName: EVIL }),
          },
          PLAIN,
        ),
      ],
    ],
    ['in a note', noted],
  ])('%s is shown, and obeyed by no terminal', (_where, lines) => {
    const shown = lines();
    expect(shown.join('')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    expect(shown.join(' ')).toContain(SEEN);
  });

  it('that others than us print keeps its lines, and nothing else that a terminal obeys', () => {
    const line = 'one\u001b[2J\ntwo';
    expect(logLine({ atMs: NOW_MS, functionName: 'f', level: 'info', line }, PLAIN)).toMatch(/one\ufffd\[2J\ntwo$/);
  });
});

describe('a long name', () => {
  const LONG = `LT-${'x'.repeat(252)}`;
  it.each([
    ['the fleet', (name: string) => fleetLines(fleet(name), PLAIN, 120)],
    ['a plan', (name: string) => planLines(plan(name), PLAIN, 120)],
  ])('is cut in the table of %s, whose lines it does not widen', (_what, linesOf) => {
    const lines = linesOf(LONG);
    const line = lines.find((one) => one.includes('LT-xxx')) ?? '';
    expect(line).toContain(` ${'LT-'.padEnd(39, 'x')}… `.trimStart());
    expect(lines.find((one) => one.includes('LT-1'))?.length).toBeLessThan(120);
    expect(linesOf('x'.repeat(40)).join('\n')).toContain('x'.repeat(40));
  });
});
