/** Why devices are not asked, in words, and what to do about it. Data. Layer: domain. */
import type { SkipReason } from './rotation.ts';

/** The meaning also follows a number: "12 not seen within …". */
export interface ReasonWords {
  readonly meaning: string;
  readonly remedy: string;
}

/**
 * Nobody can delete a single key. Source: v1.0 metadata, `bitlocker/recoveryKeys` has no DELETE; Entra documentation, "Device soft delete
 * overview", keys go with the device object (read 2026-11-22).
 */
export const KEY_LIMIT_REMEDY =
  'note the current key, delete the device object in Entra ID and join the device anew: single keys cannot be deleted';

/**
 * Of every reason.
 * Source: Intune documentation, "Rotate BitLocker recovery keys", prerequisites, and "Manage disk encryption policy" (read 2026-11-22).
 */
export const SKIP_WORDS: Readonly<Record<SkipReason, ReasonWords>> = {
  notWindows: { meaning: 'not Windows', remedy: 'nothing' },
  osTooOld: { meaning: 'older than Windows 10 1909, which cannot rotate', remedy: 'update Windows' },
  notEncrypted: {
    meaning: 'not encrypted, says Intune',
    remedy: 'assign a BitLocker policy (Intune: Endpoint security, Disk encryption)',
  },
  notManaged: {
    meaning: 'being retired, wiped or deleted, or not managed over MDM',
    remedy: 'nothing when it leaves; else enrol it into Intune',
  },
  enrollmentTypeUnsupported: {
    meaning: 'neither Entra joined nor hybrid joined',
    remedy: 'join to Entra ID, hybrid or not; a device that is only registered cannot rotate',
  },
  notSeenRecently: {
    meaning: 'not seen within ROTATION_SEEN_WITHIN',
    remedy: 'get online, or delete the stale record (Intune: Device clean-up rules)',
  },
  keyTooYoung: {
    meaning: 'with a key, or last request, younger than the minimum age',
    remedy: 'nothing; a later run takes it; when it was named in a request, ask again an hour later',
  },
  keyLimitReached: {
    meaning: 'with 195 keys or more in escrow, which takes no more than 200',
    remedy: KEY_LIMIT_REMEDY,
  },
  excluded: { meaning: 'named by ROTATION_EXCLUDE', remedy: 'nothing, or change the setting' },
  rotationPending: {
    meaning: 'asked already, by this or another run; that request may still take effect',
    remedy: 'nothing; later runs look at it',
  },
  overRunLimit: { meaning: 'due, but beyond ROTATION_MAX_DEVICES', remedy: 'nothing; the next run takes it' },
  noEntraDeviceId: { meaning: 'without an Entra device id to file a key under', remedy: 'register in Entra ID' },
  duplicateRecord: {
    meaning: 'listed twice; the record that synced last counts',
    remedy: 'delete the stale record',
  },
};
