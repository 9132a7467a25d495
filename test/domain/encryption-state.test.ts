import { readFileSync } from 'node:fs';
import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  ADVANCED_BITLOCKER_STATES,
  DEVICE_TYPES,
  ENCRYPTION_READINESS_STATES,
  ENCRYPTION_STATES,
  type EncryptionState,
  FILE_VAULT_STATES,
  POLICY_SETTING_STATES,
  type RecordedEncryptionState,
  recordState,
} from '../../src/domain/encryption-state.ts';

/** The page's table of properties, its sentences "Possible values are". Source: Create managedDeviceEncryptionState (read 2026-11-22). */
const PAGE = {
  deviceType:
    '`desktop`, `windowsRT`, `winMO6`, `nokia`, `windowsPhone`, `mac`, `winCE`, `winEmbedded`, `iPhone`, `iPad`, `iPod`, `android`, `iSocConsumer`, `unix`, `macMDM`, `holoLens`, `surfaceHub`, `androidForWork`, `androidEnterprise`, `blackberry`, `palm`, `unknown`',
  encryptionReadinessState: '`notReady`, `ready`',
  encryptionState: '`notEncrypted`, `encrypted`',
  encryptionPolicySettingState:
    '`unknown`, `notApplicable`, `compliant`, `remediated`, `nonCompliant`, `error`, `conflict`, `notAssigned`',
  advancedBitLockerStates:
    '`success`, `noUserConsent`, `osVolumeUnprotected`, `osVolumeTpmRequired`, `osVolumeTpmOnlyRequired`, `osVolumeTpmPinRequired`, `osVolumeTpmStartupKeyRequired`, `osVolumeTpmPinStartupKeyRequired`, `osVolumeEncryptionMethodMismatch`, `recoveryKeyBackupFailed`, `fixedDriveNotEncrypted`, `fixedDriveEncryptionMethodMismatch`, `loggedOnUserNonAdmin`, `windowsRecoveryEnvironmentNotConfigured`, `tpmNotAvailable`, `tpmNotReady`, `networkError`',
  fileVaultStates: '`success`, `driveEncryptedByUser`, `userDeferredEncryption`, `escrowNotEnabled`',
} as const;
type EnumProperty = keyof typeof PAGE;

const OURS: Readonly<Record<EnumProperty, readonly string[]>> = {
  deviceType: DEVICE_TYPES,
  encryptionReadinessState: ENCRYPTION_READINESS_STATES,
  encryptionState: ENCRYPTION_STATES,
  encryptionPolicySettingState: POLICY_SETTING_STATES,
  advancedBitLockerStates: ADVANCED_BITLOCKER_STATES,
  fileVaultStates: FILE_VAULT_STATES,
};

const membersOf = (sentence: string): readonly string[] => sentence.split(', ').map((member) => member.slice(1, -1));
const onPage = (Object.keys(PAGE) as EnumProperty[]).flatMap((property) =>
  membersOf(PAGE[property]).map((member) => [property, member] as const),
);

interface WireType {
  readonly enum?: readonly string[];
  readonly flags?: readonly string[];
}
const metadata = JSON.parse(
  readFileSync(new URL('../fixtures/openapi/graph-beta-types.json', import.meta.url), 'utf8'),
) as { readonly types: Readonly<Record<string, Readonly<Record<string, WireType>>>> };

const STATE: EncryptionState = {
  id: 'e1',
  deviceName: 'LT-00001',
  userPrincipalName: 'ada@contoso.example',
  deviceType: 'windowsRT',
  osVersion: '10.0.22631.4037',
  tpmSpecificationVersion: '2.0',
  encryptionReadinessState: 'ready',
  encryptionState: 'encrypted',
  encryptionPolicySettingState: 'compliant',
  advancedBitLockerStates: ['success'],
  fileVaultStates: [],
  policyDetails: [{ policyId: 'p1', policyName: 'BitLocker' }],
};

describe('an encryption state', () => {
  it('has every property of the reference page, and no other', () => {
    expect(Object.keys(STATE).toSorted()).toEqual(
      [
        'id',
        'userPrincipalName',
        'deviceType',
        'osVersion',
        'tpmSpecificationVersion',
        'deviceName',
        'encryptionReadinessState',
        'encryptionState',
        'encryptionPolicySettingState',
        'advancedBitLockerStates',
        'fileVaultStates',
        'policyDetails',
      ].toSorted(),
    );
  });

  it.each(onPage)('%s knows the member %s', (property, member) => {
    expect(OURS[property]).toContain(member);
  });

  it.each(Object.keys(PAGE) as EnumProperty[])('%s knows no member beyond the page, in its order', (property) => {
    expect(OURS[property]).toEqual(membersOf(PAGE[property]));
  });

  it.each(Object.keys(PAGE) as EnumProperty[])('%s agrees with the metadata', (property) => {
    const type = metadata.types.managedDeviceEncryptionState?.[property];
    expect(type?.enum ?? type?.flags).toEqual(OURS[property]);
  });

  it('takes any other member as it comes, and still suggests the known ones', () => {
    const strange: EncryptionState = { ...STATE, deviceType: 'toaster', fileVaultStates: ['sealedWithWax'] };
    expect(JSON.parse(JSON.stringify(strange))).toEqual(strange);
    expectTypeOf<'tpmNotReady'>().toExtend<EncryptionState['advancedBitLockerStates'][number]>();
    expectTypeOf<string>().toExtend<EncryptionState['encryptionState']>();
    expectTypeOf<number>().not.toExtend<EncryptionState['encryptionState']>();
  });
});

describe('recordState', () => {
  const first: RecordedEncryptionState = { look: 0, atMs: 1, state: 'none' };
  const second: RecordedEncryptionState = { look: 3, atMs: 9, state: STATE };

  it('keeps one entry per look, oldest first', () => {
    expect(recordState(undefined, first)).toEqual([first]);
    expect(recordState([first], second)).toEqual([first, second]);
  });

  it('leaves the entry of a look that is delivered again as it is', () => {
    const sent = { ...second, creation: 'created' } as const;
    const before = [first, sent];
    expect(recordState(before, { ...second, atMs: 10 })).toBe(before);
  });
});
