/** How one device's part of a run ended, in the classes that people act upon. Pure. Layer: domain. */
import type { EvidenceCells } from '../evidence/evidence-columns.ts';
import { isRotatedWithoutKey, rotatedFacts } from '../fleet/rotated-without-key.ts';
import { SKIP_REASONS, type SkipReason } from '../rotation.ts';

/** What became of a device that was due. A skipped one goes by its skip reason. */
export const DUE_OUTCOMES = [
  'escrowFailing',
  'rotatedWithoutPolicy',
  'neverEscrowed',
  'backupFailed',
  'escrowFull',
  'deviceFailed',
  'deviceGone',
  'graphForbade',
  'graphUnknown',
  'graphRefused',
  'neverTaken',
  'abandoned',
  'silentWithoutPolicy',
  'noAnswer',
  'notAsked',
  'waiting',
  'provenLate',
  'provenUnconfirmed',
  'proven',
  'wouldAsk',
  'notDue',
  'unknown',
] as const;
export type DeviceOutcome = (typeof DUE_OUTCOMES)[number] | SkipReason;

/** Graph's word for "the key could not be backed up", among the BitLocker states. Source: `ADVANCED_BITLOCKER_STATES`. */
const BACKUP_FAILED = 'recoveryKeyBackupFailed';
/** Graph's word for a device that no encryption policy is assigned to. Source: `POLICY_SETTING_STATES`. */
const NO_POLICY = 'notAssigned';
/** From so many keys on a failure is put down to the limit of 200. Source: the skip reason `keyLimitReached`. */
const NEARLY_FULL = 195;

const SKIPPED: ReadonlySet<string> = new Set(SKIP_REASONS);

/** Reads nothing but the cells of an evidence line. */
export function deviceOutcome(cells: EvidenceCells): DeviceOutcome {
  if (hasRotatedWithoutKey(cells)) {
    if (hasBackupFailed(cells)) return 'escrowFailing';
    return isWithoutPolicy(cells) ? 'rotatedWithoutPolicy' : 'neverEscrowed';
  }
  switch (cells.state) {
    case 'proven':
      return cells.unconfirmed ? 'provenUnconfirmed' : 'proven';
    case 'notDue':
      return 'notDue';
    case 'skipped':
      return SKIPPED.has(cells.reason ?? '') ? (cells.reason as SkipReason) : 'unknown';
    case 'planned':
      return cells.mode === 'dryRun' ? 'wouldAsk' : 'notAsked';
    case 'claimed':
    case 'requested':
    case 'uncertain':
    case 'confirmed':
      return 'waiting';
    case 'failed':
      return failed(cells);
    case 'refused':
      return refused(cells.httpStatus);
    case 'overdue':
    case 'abandoned':
      return givenUp(cells);
    default:
      return 'unknown';
  }
}

function failed(cells: EvidenceCells): DeviceOutcome {
  if (cells.failure === 'deviceGone') return 'deviceGone';
  if (hasBackupFailed(cells)) return 'backupFailed';
  return Number(cells.keyCount ?? 0) >= NEARLY_FULL ? 'escrowFull' : 'deviceFailed';
}

function refused(httpStatus: string | undefined): DeviceOutcome {
  if (httpStatus === '403') return 'graphForbade';
  if (httpStatus === '404') return 'graphUnknown';
  return isClearNo(httpStatus) ? 'graphRefused' : 'neverTaken';
}

/** What a 5xx or 408 says is no answer to the request, as for the request itself. */
function isClearNo(httpStatus = ''): boolean {
  return /^4\d\d$/.test(httpStatus) && httpStatus !== '408';
}

/** What came to light later counts for more. */
function givenUp(cells: EvidenceCells): DeviceOutcome {
  const { lateState, state } = cells;
  if (lateState === 'proven') return 'provenLate';
  if (lateState === 'failed') return 'deviceFailed';
  if (state === 'abandoned') return 'abandoned';
  return isWithoutPolicy(cells) ? 'silentWithoutPolicy' : 'noAnswer';
}

/** By the rule that the fleet and the webhook go by. */
function hasRotatedWithoutKey(cells: EvidenceCells): boolean {
  const { state = '', confirmedAt, keyAfterId, actionState, lateState, lateActionState } = cells;
  const wasConfirmed = Boolean(confirmedAt);
  const hasKeyAfter = Boolean(keyAfterId);
  return isRotatedWithoutKey(
    rotatedFacts({ state, wasConfirmed, hasKeyAfter, actionState, lateState, lateActionState }),
  );
}

function isWithoutPolicy({ policyState }: EvidenceCells): boolean {
  return policyState === NO_POLICY;
}

function hasBackupFailed({ bitLockerStates }: EvidenceCells): boolean {
  return bitLockerStates?.split(' ').includes(BACKUP_FAILED) === true;
}
