/** How one device's part of a run ended, in the classes that people act upon. Pure. Layer: domain. */
import type { EvidenceCells } from '../evidence/evidence-columns.ts';
import { SKIP_REASONS, type SkipReason } from '../rotation.ts';

/** What became of a device that was due. A skipped one goes by its skip reason. */
export const DUE_OUTCOMES = [
  'escrowFailing',
  'neverEscrowed',
  'escrowFull',
  'deviceFailed',
  'deviceGone',
  'graphForbade',
  'graphUnknown',
  'graphRefused',
  'neverTaken',
  'abandoned',
  'noAnswer',
  'notAsked',
  'waitingForKey',
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
/** From so many keys on a failure is put down to the limit of 200. Source: the skip reason `keyLimitReached`. */
const NEARLY_FULL = 195;

const SKIPPED: ReadonlySet<string> = new Set(SKIP_REASONS);

/** Reads nothing but the cells of an evidence line. */
export function deviceOutcome(cells: EvidenceCells): DeviceOutcome {
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
      return 'waiting';
    case 'confirmed':
      return 'waitingForKey';
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
  if (hasBackupFailed(cells)) return 'escrowFailing';
  return Number(cells.keyCount ?? 0) >= NEARLY_FULL ? 'escrowFull' : 'deviceFailed';
}

function refused(httpStatus: string | undefined): DeviceOutcome {
  if (httpStatus === '403') return 'graphForbade';
  if (httpStatus === '404') return 'graphUnknown';
  return httpStatus ? 'graphRefused' : 'neverTaken';
}

/** What came to light later counts for more. */
function givenUp(cells: EvidenceCells): DeviceOutcome {
  const { lateState, confirmedAt, state } = cells;
  if (lateState === 'proven') return 'provenLate';
  if (lateState === 'failed') return 'deviceFailed';
  if (confirmedAt || lateState === 'confirmed') return hasBackupFailed(cells) ? 'escrowFailing' : 'neverEscrowed';
  return state === 'abandoned' ? 'abandoned' : 'noAnswer';
}

function hasBackupFailed({ bitLockerStates }: EvidenceCells): boolean {
  return bitLockerStates?.split(' ').includes(BACKUP_FAILED) === true;
}
