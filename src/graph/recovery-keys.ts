/** Recovery-key metadata: wire form to domain form. Layer: graph. */
import { z } from 'zod';
import { parseEntraDeviceId, type RecoveryKeyId } from '../domain/ids.ts';
import type { RecoveryKey, VolumeType } from '../domain/recovery-key.ts';
import { type ErrorContext, malformed } from './errors.ts';
import { guidAt, instantAt, parseWire, pathText } from './wire.ts';

/**
 * Source: v1.0 metadata, entity `bitlockerRecoveryKey` (read 2026-11-22). The schema is not loose: an answer that holds the recovery
 * password unasked loses it here.
 */
const keySchema = z.object({
  id: z.string(),
  createdDateTime: z.string(),
  deviceId: z.string().nullish(),
  volumeType: z.union([z.string(), z.number()]).nullish(),
});

/** Source: v1.0 metadata, enum `volumeType`; `"1"` and `1` observed (read 2026-11-22). */
const VOLUME_TYPES: Readonly<Record<string, VolumeType>> = {
  '1': 'operatingSystemVolume',
  '2': 'fixedDataVolume',
  '3': 'removableDataVolume',
  operatingsystemvolume: 'operatingSystemVolume',
  fixeddatavolume: 'fixedDataVolume',
  removabledatavolume: 'removableDataVolume',
};

/** The volume in any of its three spellings; `unknown` for the rest. */
export function parseVolumeType(value: string | number | null | undefined): VolumeType {
  return VOLUME_TYPES[String(value).trim().toLowerCase()] ?? 'unknown';
}

/**
 * One key, or `undefined` for a key that is filed under no device, which can prove nothing.
 * @throws {GraphError} kind `malformed`: no id, no creation date, a wrong type.
 */
export function parseRecoveryKey(
  value: unknown,
  context: ErrorContext,
  at: readonly PropertyKey[] = [],
): RecoveryKey | undefined {
  const row = parseWire(keySchema, value, context, at);
  const keyId = guidAt(row.id, context, () => [...at, 'id']) as RecoveryKeyId;
  const createdAtMs = instantAt(row.createdDateTime, context, () => [...at, 'createdDateTime']);
  if (row.createdDateTime === '') throw malformed(context, pathText([...at, 'createdDateTime']), 'a date and time');
  const entraDeviceId = parseEntraDeviceId(row.deviceId);
  return entraDeviceId === undefined
    ? undefined
    : { keyId, entraDeviceId, volumeType: parseVolumeType(row.volumeType), createdAtMs };
}
