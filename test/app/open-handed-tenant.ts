/** A tenant in which whatever is named is one device that is due, and every request is taken down. */
import { createHash } from 'node:crypto';
import {
  type EntraDeviceId,
  type ManagedDeviceId,
  parseEntraDeviceId,
  parseRecoveryKeyId,
} from '../../src/domain/ids.ts';
import type { ManagedDevice } from '../../src/domain/managed-device.ts';
import type { RotationRoute } from '../../src/domain/targets.ts';
import type { Reading, Tenant } from '../../src/domain/tenant.ts';

export interface OpenHandedTenant extends Tenant {
  /** Every rotation that was asked for, in order. */
  readonly requested: readonly RotationRoute[];
}

function guidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}

/** @param nowMs what the devices' ages count back from. */
export function createOpenHandedTenant(nowMs: number): OpenHandedTenant {
  const requested: RotationRoute[] = [];

  const deviceOf = (managedDeviceId: string): ManagedDevice => ({
    managedDeviceId: managedDeviceId as ManagedDeviceId,
    entraDeviceId: parseEntraDeviceId(guidOf(`entra ${managedDeviceId}`)),
    deviceName: `LT-${managedDeviceId.slice(0, 8)}`,
    operatingSystem: 'Windows',
    osVersion: '10.0.22631.4037',
    isEncrypted: true,
    enrollmentType: 'windowsAzureADJoin',
    managementAgent: 'mdm',
    managementState: 'managed',
    lastSyncAtMs: nowMs - 3_600_000,
  });
  const namedBy = (text: string): ManagedDevice => deviceOf(guidOf(text));
  const found = <Id extends string, T>(ids: readonly Id[], read: (id: Id) => T) =>
    Promise.resolve(new Map(ids.map((id): [Id, Reading<T>] => [id, { kind: 'found', value: read(id) }])));
  const never = (): never => {
    throw new Error('accepting a request does not ask for that');
  };

  return {
    requested,
    managedDevices: (ids) => found(ids, deviceOf),
    comanagedDevices: (ids) => found(ids, deviceOf),
    managedDevicesOf: (ids) => found(ids, (id) => [{ ...namedBy(id), entraDeviceId: id as EntraDeviceId }]),
    devicesNamed: (by, values) => found(values, (value) => [namedBy(`${by} ${value}`)]),
    runStates: (kind, scriptId, ids) =>
      found(ids, (id) => ({ runStateId: id, isFailing: true, device: namedBy(`${kind} ${scriptId} ${id}`) })),
    async *runStatePages(kind, scriptId) {
      const runStateId = 'a-state';
      yield { items: [{ runStateId, isFailing: true, device: namedBy(`${kind} ${scriptId} ${runStateId}`) }] };
    },
    recoveryKeys: (ids) =>
      found(ids, (entraDeviceId) => [
        {
          keyId: parseRecoveryKeyId(guidOf(`key ${entraDeviceId}`)),
          entraDeviceId,
          volumeType: 'operatingSystemVolume',
          createdAtMs: nowMs - 200 * 24 * 3_600_000,
        },
      ]),
    actionResults: (ids) => found(ids, () => []),
    async requestRotation(route) {
      requested.push(route);
      return {
        kind: 'accepted',
        acceptedAfterMs: nowMs,
        acceptedByMs: nowMs + 1_000,
        httpStatus: 204,
        clientRequestId: guidOf(''),
      };
    },
    managedDevicePages: never,
    recoveryKeyPages: never,
    encryptionStates: never,
    createEncryptionState: never,
    clockAheadMs: () => undefined,
    grantedRoles: never,
  };
}
