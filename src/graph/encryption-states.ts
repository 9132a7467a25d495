/** Recorded encryption states: wire form to domain form and back. Layer: graph. */
import { z } from 'zod';
import type { EncryptionState } from '../domain/encryption-state.ts';
import type { ErrorContext } from './errors.ts';
import { optionalText, parseWire } from './wire.ts';

/** Source: beta metadata, entity `managedDeviceEncryptionState` and `encryptionReportPolicyDetails` (read 2026-11-22). */
const stateSchema = z.looseObject({
  id: z.string(),
  deviceName: optionalText,
  userPrincipalName: optionalText,
  deviceType: optionalText,
  osVersion: optionalText,
  tpmSpecificationVersion: optionalText,
  encryptionReadinessState: optionalText,
  encryptionState: optionalText,
  encryptionPolicySettingState: optionalText,
  advancedBitLockerStates: optionalText,
  fileVaultStates: optionalText,
  policyDetails: z.array(z.looseObject({ policyId: optionalText, policyName: optionalText })).nullish(),
});

/** A flags enum arrives as comma-separated names. Source: OData JSON format 4.01, section 7.1 (read 2026-11-22). */
function flags(value: string | null | undefined): readonly string[] {
  return (value ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/** One state; what is missing is empty. @throws {GraphError} kind `malformed`: no id, a wrong type. */
export function parseEncryptionState(
  value: unknown,
  context: ErrorContext,
  at: readonly PropertyKey[] = [],
): EncryptionState {
  const row = parseWire(stateSchema, value, context, at);
  return {
    id: row.id,
    deviceName: row.deviceName ?? '',
    userPrincipalName: row.userPrincipalName ?? '',
    deviceType: row.deviceType ?? '',
    osVersion: row.osVersion ?? '',
    tpmSpecificationVersion: row.tpmSpecificationVersion ?? '',
    encryptionReadinessState: row.encryptionReadinessState ?? '',
    encryptionState: row.encryptionState ?? '',
    encryptionPolicySettingState: row.encryptionPolicySettingState ?? '',
    advancedBitLockerStates: flags(row.advancedBitLockerStates),
    fileVaultStates: flags(row.fileVaultStates),
    policyDetails: (row.policyDetails ?? []).map(({ policyId, policyName }) => ({
      policyId: policyId ?? '',
      policyName: policyName ?? '',
    })),
  };
}

/**
 * What creates the same state again: every property but `id`, which Graph gives. Enum members go back as they came, known or not. A flags
 * enum without members is null, which is what Graph sends for it; the other enums are not nullable, so an empty one is left out.
 * Source: Graph beta reference, Create managedDeviceEncryptionState, "Request"; nullability: beta metadata (read 2026-11-22).
 */
export function encryptionStateBody(state: EncryptionState): Readonly<Record<string, unknown>> {
  return {
    '@odata.type': '#microsoft.graph.managedDeviceEncryptionState',
    userPrincipalName: state.userPrincipalName,
    ...member('deviceType', state.deviceType),
    osVersion: state.osVersion,
    tpmSpecificationVersion: state.tpmSpecificationVersion,
    deviceName: state.deviceName,
    ...member('encryptionReadinessState', state.encryptionReadinessState),
    ...member('encryptionState', state.encryptionState),
    ...member('encryptionPolicySettingState', state.encryptionPolicySettingState),
    advancedBitLockerStates: joined(state.advancedBitLockerStates),
    fileVaultStates: joined(state.fileVaultStates),
    policyDetails: state.policyDetails.map(({ policyId, policyName }) => ({
      '@odata.type': 'microsoft.graph.encryptionReportPolicyDetails',
      policyId,
      policyName,
    })),
  };
}

function member(name: string, value: string): Readonly<Record<string, string>> {
  return value === '' ? {} : { [name]: value };
}

function joined(names: readonly string[]): string | null {
  return names.length === 0 ? null : names.join(',');
}
