/** What a `managedDeviceEncryptionState` in a request body may hold. Layer: simulator. */
import {
  isJsonObject,
  type JsonObject,
  member,
  members,
  nullable,
  problemOfProperties,
  text,
  typeName,
} from './json-body.ts';

/** Source: OpenAPI description of Graph beta, `managedDeviceEncryptionState` and its enums (read 2026-11-22). */
const DEVICE_TYPES = [
  ...['desktop', 'windowsRT', 'winMO6', 'nokia', 'windowsPhone', 'mac', 'winCE', 'winEmbedded', 'iPhone', 'iPad'],
  ...['iPod', 'android', 'iSocConsumer', 'unix', 'macMDM', 'holoLens', 'surfaceHub', 'androidForWork'],
  ...['androidEnterprise', 'blackberry', 'palm', 'unknown'],
];
const COMPLIANCE = [
  ...['unknown', 'notApplicable', 'compliant', 'remediated', 'nonCompliant', 'error', 'conflict', 'notAssigned'],
];
const ADVANCED_STATES = [
  ...['success', 'noUserConsent', 'osVolumeUnprotected', 'osVolumeTpmRequired', 'osVolumeTpmOnlyRequired'],
  ...['osVolumeTpmPinRequired', 'osVolumeTpmStartupKeyRequired', 'osVolumeTpmPinStartupKeyRequired'],
  ...['osVolumeEncryptionMethodMismatch', 'recoveryKeyBackupFailed', 'fixedDriveNotEncrypted'],
  ...['fixedDriveEncryptionMethodMismatch', 'loggedOnUserNonAdmin', 'windowsRecoveryEnvironmentNotConfigured'],
  ...['tpmNotAvailable', 'tpmNotReady', 'networkError'],
];
const FILE_VAULT = ['success', 'driveEncryptedByUser', 'userDeferredEncryption', 'escrowNotEnabled'];

const POLICY = {
  '@odata.type': typeName('microsoft.graph.encryptionReportPolicyDetails'),
  policyId: nullable(text),
  policyName: nullable(text),
};

function policies(value: unknown): string | undefined {
  if (!Array.isArray(value)) return 'must be a collection';
  for (const policy of value) {
    const problem = isJsonObject(policy) ? problemOfProperties(policy, POLICY) : 'It is not an object.';
    if (problem !== undefined) return `holds an item that is not right: ${problem}`;
  }
  return undefined;
}

const STATE = {
  '@odata.type': typeName('microsoft.graph.managedDeviceEncryptionState'),
  id: text,
  userPrincipalName: nullable(text),
  deviceType: member(DEVICE_TYPES),
  osVersion: nullable(text),
  tpmSpecificationVersion: nullable(text),
  deviceName: nullable(text),
  encryptionReadinessState: member(['notReady', 'ready']),
  encryptionState: member(['notEncrypted', 'encrypted']),
  encryptionPolicySettingState: member(COMPLIANCE),
  advancedBitLockerStates: nullable(members(ADVANCED_STATES)),
  fileVaultStates: nullable(members(FILE_VAULT)),
  policyDetails: policies,
};

/** What is wrong with it, in words; `undefined` when it can be created. */
export function problemOfState(body: JsonObject): string | undefined {
  return problemOfProperties(body, STATE);
}
