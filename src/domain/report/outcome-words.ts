/** What each outcome means and what to do about it. Data. Layer: domain. */
import type { DeviceOutcome } from './device-outcome.ts';

/**
 * - `danger`: the key that escrow holds may no longer open the device. `act`: it needs somebody. `wait`: time settles it, or a later run.
 * - `fine`: as wanted, or as set.
 */
export type Urgency = 'danger' | 'act' | 'wait' | 'fine';

export interface OutcomeWords {
  readonly title: string;
  readonly urgency: Urgency;
  readonly meaning: string;
  readonly remedy: string;
}

/** In the order in which a person should go through them. */
export const OUTCOME_WORDS: Readonly<Record<DeviceOutcome, OutcomeWords>> = {
  escrowFailing: {
    title: 'Escrow failing',
    urgency: 'danger',
    meaning:
      'Intune says done, and Windows that the backup of the key to Entra ID failed; the key in escrow may be the old one',
    remedy: 'Get the device online to Entra ID, then run “BitLocker key rotation” on it again and look for the new key',
  },
  rotatedWithoutPolicy: {
    title: 'Policy missing, rotated without escrow',
    urgency: 'danger',
    meaning:
      'Intune says done, no newer key arrived, and no BitLocker policy is assigned: the key in escrow may no longer open the device',
    remedy:
      'Assign a BitLocker policy with client-driven rotation and recovery information stored in Entra ID, then rotate it again',
  },
  neverEscrowed: {
    title: 'Rotated, never escrowed',
    urgency: 'danger',
    meaning: 'Intune says done, and no newer key arrived: the key in escrow may no longer open the device',
    remedy:
      'Check that its policy turns on client-driven rotation and stores recovery information in Entra ID, then rotate it again',
  },
  backupFailed: {
    title: 'Backup failed',
    urgency: 'act',
    meaning: 'it failed, and Windows says that the backup of a key to Entra ID failed; Intune never said done',
    remedy: 'Get the device online to Entra ID, and look for a key of it there; a later run asks it again',
  },
  escrowFull: {
    title: 'Escrow full',
    urgency: 'act',
    meaning: 'it failed, and escrow holds (nearly) the 200 keys that Entra ID keeps for a device',
    remedy:
      'Note the current key, delete the device object in Entra ID and join the device anew: single keys cannot be deleted',
  },
  deviceFailed: {
    title: 'Device said no',
    urgency: 'act',
    meaning: 'the action ended as failed, not supported or cancelled; the key was not rotated',
    remedy: 'Look the error code up; check the TPM, the policy and whether the volume is protected',
  },
  graphForbade: {
    title: 'Graph refused: 403',
    urgency: 'act',
    meaning: 'the app may not rotate the keys of this device',
    remedy: 'Check the app’s roles with “npx keyturn doctor”; on single devices, their scope tags',
  },
  graphRefused: {
    title: 'Graph refused',
    urgency: 'act',
    meaning: 'Graph answered the request with a 4xx; nothing was rotated',
    remedy: 'Check how the device is enrolled and managed; the evidence has the status and Graph’s request id',
  },
  neverTaken: {
    title: 'Request never taken',
    urgency: 'act',
    meaning: 'none of three requests left a trace',
    remedy: 'Nothing was rotated; should the next run end likewise, open the device in Intune',
  },
  abandoned: {
    title: 'Given up',
    urgency: 'act',
    meaning: 'asked, then looking at it failed at every delivery; it may still obey',
    remedy: '“npx keyturn status” says why; “npx keyturn requeue” takes it up again',
  },
  silentWithoutPolicy: {
    title: 'Policy missing, no answer',
    urgency: 'act',
    meaning: 'asked, and silent to the last look; no BitLocker policy is assigned to it, says Intune',
    remedy: 'Assign a BitLocker policy with client-driven rotation and recovery information stored in Entra ID',
  },
  noAnswer: {
    title: 'No answer: offline',
    urgency: 'act',
    meaning: 'asked, and silent to the last look: most such devices are switched off; it may still obey',
    remedy: 'Get it online; where it is online, check that its policy turns on client-driven rotation',
  },
  notEncrypted: {
    title: 'Not encrypted',
    urgency: 'act',
    meaning: 'Intune says that its disk is not encrypted',
    remedy: 'Turn BitLocker on',
  },
  keyLimitReached: {
    title: 'At the limit of keys',
    urgency: 'act',
    meaning: 'escrow holds 195 keys or more for it, and refuses new ones at 200',
    remedy:
      'Note the current key, delete the device object in Entra ID and join the device anew: single keys cannot be deleted',
  },
  noEntraDeviceId: {
    title: 'No Entra device id',
    urgency: 'act',
    meaning: 'there is nothing to file a key under',
    remedy: 'Register it in Entra ID',
  },
  enrollmentTypeUnsupported: {
    title: 'Enrolment cannot rotate',
    urgency: 'act',
    meaning: 'neither joined to Entra ID nor hybrid joined',
    remedy: 'Join it to Entra ID, hybrid or not',
  },
  osTooOld: {
    title: 'Windows too old',
    urgency: 'act',
    meaning: 'older than Windows 10 1909, which cannot rotate',
    remedy: 'Update Windows',
  },
  notSeenRecently: {
    title: 'Not seen recently',
    urgency: 'act',
    meaning: 'did not check in within ROTATION_SEEN_WITHIN',
    remedy: 'Get it online, or retire its record',
  },
  duplicateRecord: {
    title: 'Duplicate record',
    urgency: 'act',
    meaning: 'an older Intune record of a device that has a newer one',
    remedy: 'Delete the stale record',
  },
  unknown: {
    title: 'Unknown',
    urgency: 'act',
    meaning: 'the evidence was written by a newer version',
    remedy: 'Make the report with that version',
  },
  deviceGone: {
    title: 'Deleted meanwhile',
    urgency: 'wait',
    meaning: 'Intune no longer knows it',
    remedy: 'Nothing',
  },
  graphUnknown: {
    title: 'Graph refused: 404',
    urgency: 'wait',
    meaning: 'deleted after it was listed',
    remedy: 'Nothing',
  },
  notAsked: {
    title: 'Not asked',
    urgency: 'wait',
    meaning: 'due, and not asked (yet)',
    remedy: 'Nothing once the run goes on; after an aborted run, the next one takes it',
  },
  waiting: {
    title: 'Waiting for the device',
    urgency: 'wait',
    meaning: 'asked, or about to be; no answer yet',
    remedy: 'Nothing before the last look',
  },
  rotationPending: {
    title: 'Asked before',
    urgency: 'wait',
    meaning: 'an earlier request may still take effect, or another run holds it',
    remedy: 'Nothing; later runs look at it first',
  },
  overRunLimit: {
    title: 'Beyond the cap',
    urgency: 'wait',
    meaning: 'due, but beyond ROTATION_MAX_DEVICES',
    remedy: 'Nothing, the next run takes it; or raise the setting',
  },
  keyTooYoung: {
    title: 'Key too young',
    urgency: 'fine',
    meaning: 'key, or last request, younger than ROTATION_MIN_KEY_AGE',
    remedy: 'Nothing; a later run takes it',
  },
  excluded: {
    title: 'Excluded',
    urgency: 'fine',
    meaning: 'matches ROTATION_EXCLUDE',
    remedy: 'Nothing, or change the setting',
  },
  notManaged: {
    title: 'Not managed',
    urgency: 'fine',
    meaning: 'not under MDM, or being retired, wiped or deleted',
    remedy: 'Nothing',
  },
  notWindows: {
    title: 'Not Windows',
    urgency: 'fine',
    meaning: 'BitLocker is a part of Windows',
    remedy: 'Nothing',
  },
  provenLate: {
    title: 'Proven late',
    urgency: 'fine',
    meaning: 'a newer key was found in escrow after the run had ended',
    remedy: 'Nothing',
  },
  provenUnconfirmed: {
    title: 'Proven, unconfirmed',
    urgency: 'fine',
    meaning: 'a newer key is in escrow, though the action never said done',
    remedy: 'Nothing',
  },
  proven: {
    title: 'Proven',
    urgency: 'fine',
    meaning: 'a newer key is in escrow',
    remedy: 'Nothing',
  },
  wouldAsk: {
    title: 'Would be asked',
    urgency: 'fine',
    meaning: 'due; a dry run asks nobody',
    remedy: 'Set ROTATION_MODE to live, once you trust the list',
  },
  notDue: {
    title: 'Not due',
    urgency: 'fine',
    meaning: 'its newest key is younger than ROTATION_MAX_KEY_AGE',
    remedy: 'Nothing',
  },
};

/** All outcomes, the most urgent first. */
export const OUTCOMES_IN_ORDER = Object.keys(OUTCOME_WORDS) as readonly DeviceOutcome[];

/** True for a device that belongs on the list of those that need somebody. */
export function needsAttention(outcome: DeviceOutcome): boolean {
  const { urgency } = OUTCOME_WORDS[outcome];
  return urgency === 'danger' || urgency === 'act';
}
