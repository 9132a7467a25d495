/** The recorded encryption state of a device (`managedDeviceEncryptionState`, beta). Evidence of encryption, not of rotation. Layer: domain. */

/** Enum members are kept as the strings Graph sent, so that unknown ones survive. */
export interface EncryptionState {
  readonly id: string;
  readonly deviceName: string;
  readonly userPrincipalName: string;
  readonly deviceType: string;
  readonly osVersion: string;
  readonly tpmSpecificationVersion: string;
  /** `notReady`, `ready`, … */
  readonly encryptionReadinessState: string;
  /** `notEncrypted`, `encrypted`, … */
  readonly encryptionState: string;
  /** `compliant`, `nonCompliant`, … */
  readonly encryptionPolicySettingState: string;
  /** Flags enum, already split: `['osVolumeUnprotected', 'tpmNotReady']`. */
  readonly advancedBitLockerStates: readonly string[];
  readonly fileVaultStates: readonly string[];
  readonly policyDetails: readonly { readonly policyId: string; readonly policyName: string }[];
}
