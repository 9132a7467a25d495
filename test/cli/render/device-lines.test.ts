import { describe, expect, it } from 'vitest';
import { deviceLines } from '../../../src/cli/render/device-lines.ts';
import type { EntraDeviceId, RecoveryKeyId, RunId } from '../../../src/domain/ids.ts';
import type { Rotation } from '../../../src/domain/rotation.ts';
import { NOW_MS, PLAIN, ROTATION } from '../samples.ts';

describe('a device', () => {
  it('tells what became of it, with the error code as documentation writes it', () => {
    const rotation = { ...ROTATION, state: 'failed', actionState: 'failed', errorCode: -2_016_281_112 } as const;
    const text = deviceLines({ rotation: { runId: 'r-1' as RunId, mode: 'live', rotation } }, PLAIN).join('\n');
    expect(text).toContain('Device LT-FRA-00001');
    expect(text).toContain('never asked by any run');
    expect(text).toMatch(/state +failed \(the device or Intune said no/);
    expect(text).toMatch(/error code +0x87D1FDE8/);
  });

  it('that no run asked has its ids all the same', () => {
    const rotation = { ...ROTATION, state: 'skipped', skipReason: 'keyTooYoung' } as const;
    const text = deviceLines({ rotation: { runId: 'r-1' as RunId, mode: 'live', rotation } }, PLAIN).join('\n');
    expect(text).toMatch(/never asked by any run\n +Entra device id +11111111\S+\n +managed device id +22222222\S+\n/);
  });

  it.each<[string, Partial<Rotation>, RegExp | undefined]>([
    [
      'with the id of the answer',
      { httpStatus: 204, requestId: 'r', clientRequestId: 'c' },
      /answer +204, request r$/m,
    ],
    ['with our id where the answer had none', { httpStatus: 503, clientRequestId: 'c' }, /answer +503, request c$/m],
    [
      'lost, with the id it was asked under',
      { clientRequestId: 'c' },
      /answer +not known; asked, if it was, with client-request-id c$/m,
    ],
    ['of nobody who was not asked', {}, undefined],
  ])('shows the answer %s', (_what, changes, line) => {
    const rotation: Rotation = { ...ROTATION, state: 'uncertain', ...changes };
    const text = deviceLines({ rotation: { runId: 'r-1' as RunId, mode: 'live', rotation } }, PLAIN).join('\n');
    if (line === undefined) expect(text).not.toMatch(/^ +answer /m);
    else expect(text).toMatch(line);
  });

  it('that rotated has no error code, though Intune writes 0', () => {
    const rotation = { ...ROTATION, state: 'proven', actionState: 'done', errorCode: 0 } as const;
    const text = deviceLines({ rotation: { runId: 'r-1' as RunId, mode: 'live', rotation } }, PLAIN).join('\n');
    expect(text).not.toContain('error code');
  });

  it('that only a dry run met says so, with what was decided', () => {
    const shown = (rotation: Rotation) =>
      deviceLines({ rotation: { runId: 'r-1' as RunId, mode: 'dryRun', rotation } }, PLAIN).join('\n');
    expect(shown(ROTATION)).toMatch(/never asked by any run\n(?: .*\n)*\nIn dry run r-1: nothing was sent\n/);
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
