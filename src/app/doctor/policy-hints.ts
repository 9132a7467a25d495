/** What to change in Intune or Entra when devices cannot be rotated, reason by reason. Data. Layer: app. */
import type { SkipReason } from '../../domain/rotation.ts';

/** Words that follow a number of devices, and what to do. */
export interface PolicyHint {
  readonly meaning: string;
  readonly action: string;
}

/**
 * Reasons that show in a listing.
 * Source: Intune documentation, "Rotate BitLocker recovery keys", prerequisites, and "Manage disk encryption policy" (read 2026-11-22).
 */
export const POLICY_HINTS: Readonly<Record<SkipReason, PolicyHint>> = {
  notWindows: { meaning: 'not Windows', action: 'nothing' },
  osTooOld: { meaning: 'older than Windows 10 1909', action: 'update Windows (Intune: Windows updates)' },
  notEncrypted: {
    meaning: 'not encrypted',
    action: 'assign a disk encryption policy (Intune: Endpoint security, Disk encryption, BitLocker)',
  },
  notManaged: {
    meaning: 'leaving, or not managed over MDM',
    action: 'enrol them into Intune; nothing for those that leave',
  },
  enrollmentTypeUnsupported: {
    meaning: 'neither Entra joined nor hybrid joined',
    action: 'join them to Entra ID; a device that is only registered (personal) cannot rotate',
  },
  notSeenRecently: {
    meaning: 'not seen within ROTATION_SEEN_WITHIN',
    action: 'get them online, or clean up stale records (Intune: Devices, Device clean-up rules)',
  },
  excluded: { meaning: 'excluded', action: 'nothing, or change ROTATION_EXCLUDE' },
  noEntraDeviceId: { meaning: 'without an Entra device id', action: 'register them in Entra ID' },
  duplicateRecord: { meaning: 'second records', action: 'delete the stale records' },
  keyTooYoung: { meaning: 'with a key younger than ROTATION_MIN_KEY_AGE', action: 'nothing; a later run takes them' },
  keyLimitReached: {
    meaning: 'with (nearly) 200 keys in escrow, which takes no more',
    action: 'delete old keys in the portal, or register the devices anew',
  },
  rotationPending: { meaning: 'asked already', action: 'nothing; later runs look at them' },
  overRunLimit: { meaning: 'beyond ROTATION_MAX_DEVICES', action: 'nothing; the next run takes them' },
};

/** The policy without which nothing is ever in escrow, or rotates. Source: as above. */
export const ESCROW_POLICY_HINT =
  'in the BitLocker policy, require "save BitLocker recovery information to Entra ID before enabling BitLocker" and turn on ' +
  '"client-driven recovery password rotation"; devices without them take a request and never rotate';
