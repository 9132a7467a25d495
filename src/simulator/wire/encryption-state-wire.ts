/** Encryption states (beta) as JSON. They describe the encryption, hours behind, and say nothing of a rotation. Layer: simulator. */
import type { DeviceProfile } from '../devices/device-profile.ts';

/** Source: beta metadata, type `managedDeviceEncryptionState` (read 2026-11-22). */
export function encryptionStateJson(id: string, profile: DeviceProfile, advancedStates: string): string {
  const encrypted = profile.isEncrypted;
  const hasPolicy = !isWithoutPolicy(profile);
  return JSON.stringify({
    id,
    userPrincipalName: profile.userPrincipalName,
    deviceType: 'windowsRT',
    osVersion: profile.osVersion,
    tpmSpecificationVersion: '2.0, 0, 1.38',
    deviceName: profile.deviceName,
    encryptionReadinessState: 'ready',
    encryptionState: encrypted ? 'encrypted' : 'notEncrypted',
    encryptionPolicySettingState: !hasPolicy ? 'notAssigned' : encrypted ? 'compliant' : 'nonCompliant',
    advancedBitLockerStates: advancedStates,
    fileVaultStates: null,
    policyDetails: hasPolicy
      ? [{ policyId: '0d8c9b32-6c1f-4a7e-9a4d-2f1c7e5b8a90', policyName: 'BitLocker for all Windows devices' }]
      : [],
  });
}

/** Of those that lack the rotation policy, every other one has no BitLocker policy at all; the others have one without client-driven rotation. */
function isWithoutPolicy({ kind, index }: DeviceProfile): boolean {
  return (kind === 'policyMissing' || kind === 'policyPending') && index % 2 === 0;
}

/** Names of the flags set, comma-separated, as Graph writes a flags enum. `reported`: what went wrong with the last backup is known by now. */
export function advancedStatesOf(profile: DeviceProfile, reported: boolean): string {
  if (!profile.isEncrypted) return 'osVolumeUnprotected,fixedDriveNotEncrypted,tpmNotReady';
  if (profile.kind === 'escrowFailing' && reported) return 'recoveryKeyBackupFailed,networkError';
  return 'success';
}
