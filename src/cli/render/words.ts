/** What states and reasons mean, and what to do about them. Data. Layer: cli. */
import type { RotationState, SkipReason } from '../../domain/rotation.ts';
import type { AbortReason, Run } from '../../domain/run.ts';

/** In the order of a report: what is settled well, what is open, what needs somebody. */
export const STATES_IN_ORDER = [
  'proven',
  'confirmed',
  'requested',
  'uncertain',
  'claimed',
  'planned',
  'overdue',
  'failed',
  'refused',
  'abandoned',
  'notDue',
  'skipped',
] as const satisfies readonly RotationState[];

export const STATE_MEANING: Readonly<Record<RotationState, string>> = {
  planned: 'due, not asked yet',
  claimed: 'about to be asked',
  requested: 'Graph accepted the request; the device has not answered yet',
  uncertain: 'the answer to the request was lost; looked at before anything is repeated',
  confirmed: 'Intune says done; no newer key in escrow yet',
  proven: 'a newer recovery key is in escrow',
  notDue: 'its newest key is young enough',
  skipped: 'not asked; the reasons are below',
  refused: 'Graph refused the request (4xx); nothing was rotated',
  failed: 'the device or Intune said no, or the device is gone',
  overdue: 'asked, no proof by the last look; it may still obey and is not asked again meanwhile',
  abandoned: 'asked, then given up with the run; it may still obey',
};

export interface ReasonWords {
  readonly meaning: string;
  readonly remedy: string;
}

export const SKIP_WORDS: Readonly<Record<SkipReason, ReasonWords>> = {
  notWindows: { meaning: 'not a Windows device', remedy: 'nothing' },
  osTooOld: { meaning: 'older than Windows 10 1909, which cannot rotate', remedy: 'update Windows' },
  notEncrypted: { meaning: 'Intune says its disk is not encrypted', remedy: 'turn BitLocker on' },
  notManaged: { meaning: 'being retired, wiped or deleted, or not managed over MDM', remedy: 'nothing' },
  enrollmentTypeUnsupported: {
    meaning: 'enrolled in a way that cannot rotate',
    remedy: 'join it to Entra ID, hybrid or not',
  },
  notSeenRecently: { meaning: 'did not check in within ROTATION_SEEN_WITHIN', remedy: 'get it online' },
  keyTooYoung: {
    meaning: 'key, or last request, younger than the minimum age',
    remedy: 'nothing; a later run takes it',
  },
  keyLimitReached: {
    meaning: 'escrow holds (nearly) 200 keys for it and would refuse a new one',
    remedy: 'delete old keys or re-register the device',
  },
  excluded: { meaning: 'named by ROTATION_EXCLUDE', remedy: 'nothing, or change the setting' },
  rotationPending: {
    meaning: 'asked already, by this or another run; that request may still take effect',
    remedy: 'nothing; it is looked at by later runs',
  },
  overRunLimit: { meaning: 'due, but beyond ROTATION_MAX_DEVICES', remedy: 'nothing; the next run takes it' },
  noEntraDeviceId: { meaning: 'has no Entra device id to file a key under', remedy: 'register it in Entra ID' },
  duplicateRecord: {
    meaning: 'second Intune record of a device; the latest synced one counts',
    remedy: 'delete the stale record',
  },
};

export const ABORT_WORDS: Readonly<Record<AbortReason, string>> = {
  canaryFailed: 'too few canaries were proven (ROTATION_CANARY_MIN_PROVEN)',
  circuitBreaker: 'too many refusals or failures (ROTATION_ABORT_FAILURE_RATE)',
};

export const RUN_STATE_WORDS: Readonly<Record<Run['state'], string>> = {
  planning: 'reading devices and keys, deciding who is due',
  rotating: 'sending requests',
  settling: 'everything sent; looking at what devices make of it',
  completed: 'finished',
  aborted: 'stopped early; what was asked for is settled',
};
