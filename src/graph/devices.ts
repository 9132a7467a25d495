/** Managed devices: wire form to domain form. Layer: graph. */
import { z } from 'zod';
import { type ManagedDeviceId, parseEntraDeviceId } from '../domain/ids.ts';
import type { ManagedDevice } from '../domain/managed-device.ts';
import type { ErrorContext } from './errors.ts';
import { guidAt, instantAt, optionalText, parseWire } from './wire.ts';

/** Source: v1.0 metadata, entity `managedDevice` (read 2026-11-22). Enums are text, so that members Graph adds later do not stop a plan. */
const deviceSchema = z.looseObject({
  id: z.string(),
  azureADDeviceId: optionalText,
  deviceName: optionalText,
  operatingSystem: optionalText,
  osVersion: optionalText,
  isEncrypted: z.boolean().nullish(),
  deviceEnrollmentType: optionalText,
  managementAgent: optionalText,
  managementState: optionalText,
  lastSyncDateTime: optionalText,
});

/**
 * One device. What is missing is empty, false or never; a device that is unencrypted for all we know is skipped, not asked.
 * @throws {GraphError} kind `malformed`: no id, a wrong type, an unreadable date.
 */
export function parseDevice(value: unknown, context: ErrorContext, at: readonly PropertyKey[] = []): ManagedDevice {
  const row = parseWire(deviceSchema, value, context, at);
  return {
    managedDeviceId: guidAt(row.id, context, () => [...at, 'id']) as ManagedDeviceId,
    entraDeviceId: parseEntraDeviceId(row.azureADDeviceId),
    deviceName: row.deviceName ?? '',
    operatingSystem: row.operatingSystem ?? '',
    osVersion: row.osVersion ?? '',
    isEncrypted: row.isEncrypted ?? false,
    enrollmentType: row.deviceEnrollmentType ?? '',
    managementAgent: row.managementAgent ?? '',
    managementState: row.managementState ?? '',
    lastSyncAtMs: instantAt(row.lastSyncDateTime, context, () => [...at, 'lastSyncDateTime']),
  };
}
