/** Rotations of devices that were asked, answered, and are proven: no line of evidence holds more. Layer: bench. */
import type { EncryptionState } from '../../src/domain/encryption-state.ts';
import type { Rotation } from '../../src/domain/rotation.ts';
import { entraIdOf, managedIdOf, newKeyIdOf, oldKeyIdOf } from './numbered-ids.ts';

export const START_MS = Date.UTC(2026, 10, 22, 2);
const HOUR_MS = 3_600_000;

function encryptionState(order: number): EncryptionState {
  return {
    id: managedIdOf(order),
    deviceName: `LT-BENCH-${order}`,
    userPrincipalName: `user${order}@contoso.com`,
    deviceType: 'desktop',
    osVersion: '10.0.22631.4037',
    tpmSpecificationVersion: '2.0',
    encryptionReadinessState: 'ready',
    encryptionState: 'encrypted',
    encryptionPolicySettingState: 'compliant',
    advancedBitLockerStates: ['success'],
    fileVaultStates: [],
    policyDetails: [{ policyId: oldKeyIdOf(order), policyName: 'BitLocker, silent' }],
  };
}

/** The device of that number. */
export function proven(order: number): Rotation {
  const acceptedByMs = START_MS + order * 100;
  return {
    order,
    entraDeviceId: entraIdOf(order),
    managedDeviceId: managedIdOf(order),
    deviceName: `LT-BENCH-${order}`,
    state: 'proven',
    attempt: 0,
    keyBeforeId: oldKeyIdOf(order),
    keyBeforeAtMs: START_MS - 100 * 24 * HOUR_MS,
    keyCount: 3,
    claimedAtMs: acceptedByMs - 500,
    sendByMs: acceptedByMs + 120_000,
    acceptedAfterMs: acceptedByMs - 999,
    acceptedByMs,
    httpStatus: 204,
    requestId: oldKeyIdOf(order),
    clientRequestId: newKeyIdOf(order),
    actionState: 'done',
    actionStartedAtMs: acceptedByMs,
    actionUpdatedAtMs: acceptedByMs + HOUR_MS,
    errorCode: 0,
    actionRequestId: oldKeyIdOf(order),
    actionClientRequestId: newKeyIdOf(order),
    confirmedAtMs: acceptedByMs + 2 * HOUR_MS,
    keyAfterId: newKeyIdOf(order),
    keyAfterAtMs: acceptedByMs + HOUR_MS,
    provenAtMs: acceptedByMs + 2 * HOUR_MS,
    keyRequestId: oldKeyIdOf(order),
    keyClientRequestId: newKeyIdOf(order),
    encryptionStates: [{ look: 1, atMs: acceptedByMs + 2 * HOUR_MS, state: encryptionState(order) }],
  };
}
