/** Columns of table `Devices`. Pure. Layer: storage adapter. */
import type { DeviceRecord } from '../../domain/device-record.ts';
import { ROTATION_STATES } from '../../domain/rotation.ts';
import { TABLES } from '../names.ts';
import { type Cells, instant, json, oneOf, text } from './columns.ts';
import { createRowCodec } from './row-codec.ts';

/** Who holds the claim, and since when it is pending: copies of what is inside `claim`. */
function forPeople(record: DeviceRecord): Cells {
  if (record.claim === undefined) return {};
  const { runId, pending } = record.claim;
  return {
    claimedByRun: runId,
    claimState: pending === undefined ? 'held' : 'pending',
    ...(pending === undefined ? {} : { pendingSince: new Date(Math.round(pending.sinceMs)) }),
  };
}

/** One device across runs. */
export const deviceCodec = createRowCodec<DeviceRecord>(
  TABLES.devices,
  {
    required: { entraDeviceId: text('entraDeviceId') },
    optional: {
      managedDeviceId: text('managedDeviceId'),
      claim: json('claim'),
      lastRequestAtMs: instant('lastRequestAt'),
      lastRunId: text('lastRunId'),
      lastState: oneOf('lastState', ROTATION_STATES),
      lastKeyId: text('lastKeyId'),
      lastKeyAtMs: instant('lastKeyAt'),
      doneWithoutKeySinceMs: instant('doneWithoutKeySince'),
      importedKeyIds: json('importedKeyIds'),
      importUntilMs: instant('importUntil'),
    },
  },
  forPeople,
);
