/** The recorded encryption state of a device (`managedDeviceEncryptionState`, beta). Evidence of encryption, not of rotation. Layer: domain. */

// The members of each enum. Source: `reference/create-manageddeviceencryptionstate.md`, "Request body" (read 2026-11-22).

/** Platforms a state can be of. */
export const DEVICE_TYPES = [
  'desktop',
  'windowsRT',
  'winMO6',
  'nokia',
  'windowsPhone',
  'mac',
  'winCE',
  'winEmbedded',
  'iPhone',
  'iPad',
  'iPod',
  'android',
  'iSocConsumer',
  'unix',
  'macMDM',
  'holoLens',
  'surfaceHub',
  'androidForWork',
  'androidEnterprise',
  'blackberry',
  'palm',
  'unknown',
] as const;

/** Whether the device could be encrypted. */
export const ENCRYPTION_READINESS_STATES = ['notReady', 'ready'] as const;

/** Whether it is. */
export const ENCRYPTION_STATES = ['notEncrypted', 'encrypted'] as const;

/** How it stands to the encryption policies that are meant for it. */
export const POLICY_SETTING_STATES = [
  'unknown',
  'notApplicable',
  'compliant',
  'remediated',
  'nonCompliant',
  'error',
  'conflict',
  'notAssigned',
] as const;

/** Flags: why BitLocker is not as the policy wants it. */
export const ADVANCED_BITLOCKER_STATES = [
  'success',
  'noUserConsent',
  'osVolumeUnprotected',
  'osVolumeTpmRequired',
  'osVolumeTpmOnlyRequired',
  'osVolumeTpmPinRequired',
  'osVolumeTpmStartupKeyRequired',
  'osVolumeTpmPinStartupKeyRequired',
  'osVolumeEncryptionMethodMismatch',
  'recoveryKeyBackupFailed',
  'fixedDriveNotEncrypted',
  'fixedDriveEncryptionMethodMismatch',
  'loggedOnUserNonAdmin',
  'windowsRecoveryEnvironmentNotConfigured',
  'tpmNotAvailable',
  'tpmNotReady',
  'networkError',
] as const;

/** Flags: the same of FileVault, on a Mac. */
export const FILE_VAULT_STATES = [
  'success',
  'driveEncryptedByUser',
  'userDeferredEncryption',
  'escrowNotEnabled',
] as const;

/** One of the known members, or whatever else Graph sent: a member added later is kept as it came. */
type OpenEnum<Known extends readonly string[]> = Known[number] | (string & Record<never, never>);

/** Platform of the device. */
export type DeviceType = OpenEnum<typeof DEVICE_TYPES>;
/** Whether the device could be encrypted. */
export type EncryptionReadinessState = OpenEnum<typeof ENCRYPTION_READINESS_STATES>;
/** Whether it is encrypted. */
export type DeviceEncryptionState = OpenEnum<typeof ENCRYPTION_STATES>;
/** How it stands to its encryption policies. */
export type PolicySettingState = OpenEnum<typeof POLICY_SETTING_STATES>;
/** One flag of what BitLocker reports. */
export type AdvancedBitLockerState = OpenEnum<typeof ADVANCED_BITLOCKER_STATES>;
/** One flag of what FileVault reports. */
export type FileVaultState = OpenEnum<typeof FILE_VAULT_STATES>;

/** Every property of the entity. What Graph left out is empty; an enum member nobody knows survives as the string it came as. */
export interface EncryptionState {
  readonly id: string;
  readonly deviceName: string;
  readonly userPrincipalName: string;
  readonly deviceType: DeviceType;
  readonly osVersion: string;
  readonly tpmSpecificationVersion: string;
  readonly encryptionReadinessState: EncryptionReadinessState;
  readonly encryptionState: DeviceEncryptionState;
  readonly encryptionPolicySettingState: PolicySettingState;
  /** Flags, already split: `['osVolumeUnprotected', 'tpmNotReady']`. */
  readonly advancedBitLockerStates: readonly AdvancedBitLockerState[];
  /** Flags, already split. */
  readonly fileVaultStates: readonly FileVaultState[];
  readonly policyDetails: readonly { readonly policyId: string; readonly policyName: string }[];
}

/** An encryption state as a look found it. */
export interface RecordedEncryptionState {
  /** Number of the look, from 0. */
  readonly look: number;
  /** Our clock. */
  readonly atMs: number;
  /** `none`: Graph has none for the device. */
  readonly state: EncryptionState | 'none';
  /** Of the read that told it; absent with `none`. */
  readonly requestId?: string;
  readonly clientRequestId?: string;
  /**
   * With `RECORD_TO_GRAPH`: `sending` is written before the request; `unknown` means that it may have been created, and is final like
   * `created` and `refused`. Absent: not sent.
   */
  readonly creation?: StateCreationStage;
  /** Which delivery sends it, or sent it, until that delivery has said what came of it. Two never write the same, so that only one may send. */
  readonly sender?: string;
}

/** How far the creation of a recorded state in Graph came. */
export type StateCreationStage = 'sending' | 'created' | 'refused' | 'unknown';

/** Adds what a look found: one entry per look, however often the look is delivered. */
export function recordState(
  before: readonly RecordedEncryptionState[] | undefined,
  found: RecordedEncryptionState,
): readonly RecordedEncryptionState[] {
  if (before === undefined) return [found];
  return before.some(({ look }) => look === found.look) ? before : [...before, found];
}
