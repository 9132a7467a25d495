import { describe, expect, it } from 'vitest';
import { deviceLines } from '../../../src/cli/render/device-lines.ts';
import { planLines } from '../../../src/cli/render/plan-lines.ts';
import { countLines, runLines, skippedLines } from '../../../src/cli/render/run-lines.ts';
import { STATE_MEANING, STATES_IN_ORDER } from '../../../src/cli/render/words.ts';
import type { EntraDeviceId, ManagedDeviceId, RecoveryKeyId, RunId } from '../../../src/domain/ids.ts';
import { ROTATION_STATES, type Rotation, SKIP_REASONS } from '../../../src/domain/rotation.ts';
import { SKIP_WORDS } from '../../../src/domain/skip-words.ts';
import { NOW_MS, PLAIN, report } from '../samples.ts';

const ROTATION: Rotation = {
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

describe('a run in detail', () => {
  it.each([
    [{ evidenceDue: true as const }, 'It has no evidence: other blobs in the container reports have the names for it'],
    [
      { evidenceDue: true as const, evidence: { version: 1, lines: 3, digest: 'ab' } },
      'Evidence 1 is not the last: a further one is due',
    ],
  ])('says which evidence is owing: %j', (changes, words) => {
    expect(runLines(report({ state: 'completed', ...changes }), PLAIN, 100).join('\n')).toContain(words);
    const { evidenceDue: _due, ...paid } = changes;
    expect(runLines(report({ state: 'completed', ...paid }), PLAIN, 100).join('\n')).not.toContain(words);
  });

  it('says how it stands and why, its counts, their sum, and its reasons', () => {
    const text = runLines(report({ state: 'aborted', abortReason: 'circuitBreaker' }), PLAIN, 120).join('\n');
    expect(text).toContain('Run 20261122-200000-1a2b3c4d  aborted: too many refusals or failures');
    expect(text).toMatch(/proven +300 +a newer recovery key is in escrow/);
    expect(text).toMatch(/in all +1,000/);
    expect(text).toMatch(/keyTooYoung +70 +with a key, or last request/);
  });

  it('names every state that occurs, and none that does not', () => {
    const counts = Object.fromEntries(ROTATION_STATES.map((state, i) => [state, i + 1]));
    const lines = countLines({ counts, devices: 78, mode: 'live' }, PLAIN, 200);
    for (const [i, state] of ROTATION_STATES.entries()) {
      expect(lines.filter((line) => line.startsWith(`${state} `))).toEqual([
        expect.stringMatching(
          new RegExp(`^${state} +${i + 1}  ${STATE_MEANING[state].slice(0, 20).replace(/[()]/g, '.')}`),
        ),
      ]);
    }
    expect(new Set(STATES_IN_ORDER)).toEqual(new Set(ROTATION_STATES));
    expect(countLines({ counts: { proven: 1 }, devices: 1, mode: 'live' }, PLAIN, 80).join()).not.toContain('failed');
  });

  it('says that a dry run would ask who is due, and nothing of canaries where there were none', () => {
    const dry = report({ mode: 'dryRun', counts: { planned: 700, notDue: 300 } });
    expect(runLines(dry, PLAIN, 120).join('\n')).toMatch(/planned +700 +due; a live run would ask it/);
    const sent = (canaries: number) => runLines(report({ rotatingMs: 100, canaries }), PLAIN, 120).join('\n');
    expect(sent(20)).toContain('sending took 0.1 s, canary wait included\n');
    expect(sent(0)).toContain('sending took 0.1 s\n');
  });

  it('explains every skip reason, most frequent first', () => {
    const skipped = Object.fromEntries(SKIP_REASONS.map((reason, i) => [reason, i + 1]));
    const [, , ...lines] = skippedLines({ skipped }, PLAIN, 300);
    expect(lines.map((line) => line.split(' ')[0])).toEqual([...SKIP_REASONS].reverse());
    for (const line of lines) expect(line).toContain(SKIP_WORDS[line.split(' ')[0] as keyof typeof SKIP_WORDS].remedy);
  });
});

describe('a plan', () => {
  it('says who is due, in what order, how long it takes, and who is not and why', () => {
    const plan = {
      report: report({ mode: 'dryRun', state: 'completed', counts: { planned: 700, notDue: 200, skipped: 100 } }),
      first: [
        ROTATION,
        {
          ...ROTATION,
          order: 1,
          deviceName: 'LT-FRA-00002',
          keyBeforeAtMs: undefined as never,
          canary: undefined as never,
        },
      ],
      leastMs: 60_000,
      nowMs: NOW_MS,
    };
    const text = planLines(plan, PLAIN, 120).join('\n');
    expect(text).toContain('nothing was sent');
    expect(text).toMatch(/700 +due +would be asked: 20 canaries first, then oldest key first; at least 1 min/);
    expect(text).toMatch(/200 +not due/);
    expect(text).toMatch(/1,000 devices\n +970 can be asked, of which\n/);
    expect(text).toMatch(/70 +held back +by their keys/);
    expect(text).toMatch(/30 cannot be asked, for the reasons below/);
    expect(text).toMatch(/1 +LT-FRA-00001 +2026-08-14 20:15 +100 d +22222222-\S+ +canary/);
    expect(text).toMatch(/2 +LT-FRA-00002 +none in escrow/);
    expect(text).toMatch(/notWindows +30/);
  });
});

describe('a device', () => {
  it('tells what became of it, with the error code as documentation writes it', () => {
    const rotation = { ...ROTATION, state: 'failed', actionState: 'failed', errorCode: -2_016_281_112 } as const;
    const text = deviceLines({ rotation: { runId: 'r-1' as RunId, mode: 'live', rotation } }, PLAIN).join('\n');
    expect(text).toContain('Device LT-FRA-00001');
    expect(text).toContain('never asked by any run');
    expect(text).toMatch(/state +failed \(the device or Intune said no/);
    expect(text).toMatch(/error code +0x87D1FDE8/);
  });

  it('that rotated has no error code, though Intune writes 0', () => {
    const rotation = { ...ROTATION, state: 'proven', actionState: 'done', errorCode: 0 } as const;
    const text = deviceLines({ rotation: { runId: 'r-1' as RunId, mode: 'live', rotation } }, PLAIN).join('\n');
    expect(text).not.toContain('error code');
  });

  it('that only a dry run met says so, with what was decided', () => {
    const shown = (rotation: Rotation) =>
      deviceLines({ rotation: { runId: 'r-1' as RunId, mode: 'dryRun', rotation } }, PLAIN).join('\n');
    expect(shown(ROTATION)).toContain('never asked by any run\n\nIn dry run r-1: nothing was sent\n');
    expect(shown(ROTATION)).toMatch(/state +planned \(due; a live run would ask it\)/);
    expect(shown({ ...ROTATION, state: 'skipped', skipReason: 'keyTooYoung' })).toMatch(
      /skipped \(keyTooYoung: with a key/,
    );
  });

  it('that is not in the run asked for says so', () => {
    const record = { entraDeviceId: ROTATION.entraDeviceId as EntraDeviceId };
    expect(deviceLines({ record, wanted: 'r-9' as RunId }, PLAIN).at(-1)).toBe('It is not in run r-9.');
  });

  it('that was never asked shows the keys that were put into escrow for it', () => {
    const record = {
      entraDeviceId: 'f5b4e75a-1df0-4d36-8ce9-277030081de4' as EntraDeviceId,
      importedKeyIds: [
        '42da2687-1a8b-461e-a436-861e5bc979e1',
        '52da2687-1a8b-461e-a436-861e5bc979e1',
      ] as RecoveryKeyId[],
    };
    const text = deviceLines({ record }, PLAIN).join('\n');
    expect(text).toMatch(/last asked +never/);
    expect(text).toMatch(/put into escrow +42da2687\S+, 52da2687/);
    expect(text).not.toContain('managed device id');
  });

  it('shows each encryption state that was recorded, whole, and what became of it in Graph', () => {
    const state = {
      id: 'e1',
      deviceName: 'LT-FRA-00001',
      userPrincipalName: 'ada@contoso.example',
      deviceType: 'windowsRT',
      osVersion: '10.0.22631.4037',
      tpmSpecificationVersion: '2.0, 0, 1.38',
      encryptionReadinessState: 'ready',
      encryptionState: 'encrypted',
      encryptionPolicySettingState: 'nonCompliant',
      advancedBitLockerStates: ['recoveryKeyBackupFailed', 'networkError'],
      fileVaultStates: ['escrowNotEnabled'],
      policyDetails: [
        { policyId: 'p1', policyName: 'BitLocker for all' },
        { policyId: 'p2', policyName: 'Laptops' },
      ],
    };
    const encryptionStates = [
      { look: 0, atMs: NOW_MS, state: 'none' },
      { look: 5, atMs: NOW_MS + 3_600_000, state, creation: 'unknown' },
    ] as const;
    const rotation = { ...ROTATION, encryptionStates };
    const text = deviceLines({ rotation: { runId: 'r-1' as RunId, mode: 'live', rotation } }, PLAIN).join('\n');
    expect(text).toMatch(/Encryption at look 1, \d{4}-\d\d-\d\d \d\d:\d\d UTC\n +none: Intune has no encryption state/);
    expect(text).toMatch(/Encryption at look 6, /);
    for (const line of [
      /readiness +ready/,
      /encryption +encrypted/,
      /policy setting +nonCompliant/,
      /BitLocker +recoveryKeyBackupFailed, networkError/,
      /FileVault +escrowNotEnabled/,
      /TPM +2\.0, 0, 1\.38/,
      /OS +10\.0\.22631\.4037/,
      /device type +windowsRT/,
      /device name +LT-FRA-00001/,
      /user +ada@contoso\.example/,
      /policy +BitLocker for all \(p1\)/,
      /policy +Laptops \(p2\)/,
      /state id +e1/,
      /in Graph +unknown: it may have been created/,
    ]) {
      expect(text).toMatch(line);
    }
  });

  it.each([
    [undefined, 'not sent'],
    ['sending', 'being created'],
    ['created', 'created'],
    ['refused', 'refused'],
  ] as const)(
    'says of a state that is %s in Graph: %s, and leaves out what Graph did not report',
    (creation, words) => {
      const state = {
        id: 'e1',
        deviceName: '',
        userPrincipalName: '',
        deviceType: 'windowsRT',
        osVersion: '',
        tpmSpecificationVersion: '',
        encryptionReadinessState: 'ready',
        encryptionState: 'encrypted',
        encryptionPolicySettingState: 'compliant',
        advancedBitLockerStates: [],
        fileVaultStates: [],
        policyDetails: [],
      };
      const recorded = { look: 0, atMs: NOW_MS, state, ...(creation === undefined ? {} : { creation }) };
      const rotation = { ...ROTATION, encryptionStates: [recorded] };
      const text = deviceLines({ rotation: { runId: 'r-1' as RunId, mode: 'live', rotation } }, PLAIN).join('\n');
      expect(text).toMatch(new RegExp(`in Graph +${words}$`, 'm'));
      expect(text).not.toMatch(/BitLocker|FileVault|TPM|policy +\(/);
    },
  );
});
