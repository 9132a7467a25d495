/** The devices that need somebody, the most urgent first, never more than a page can hold. Pure. Layer: domain. */
import type { EvidenceCells } from '../evidence/evidence-columns.ts';
import type { DeviceOutcome } from './device-outcome.ts';
import { needsAttention, OUTCOMES_IN_ORDER } from './outcome-words.ts';

/** Chosen: a table of so many opens and sorts at once, and stays far below 5 MB; nobody reads on. */
export const MOST_ATTENTION_ROWS = 2_000;

/** As in the evidence; what does not apply is empty. */
export interface AttentionRow {
  readonly outcome: DeviceOutcome;
  readonly deviceName: string;
  readonly managedDeviceId: string;
  readonly entraDeviceId: string;
  readonly keyAt: string;
  readonly askedAt: string;
  readonly actionState: string;
  readonly errorCode: string;
  readonly httpStatus: string;
}

export interface AttentionList {
  /** Takes what needs somebody, and ignores the rest. */
  add(outcome: DeviceOutcome, cells: EvidenceCells): void;
  /** How many there were. */
  total(): number;
  /** At most `most`; within an outcome in the order of the run. */
  rows(): readonly AttentionRow[];
}

/** Keeps no more than it will show. */
export function createAttentionList(most = MOST_ATTENTION_ROWS): AttentionList {
  const kept = new Map<DeviceOutcome, AttentionRow[]>();
  let total = 0;
  let held = 0;

  /** The last row of the least urgent outcome. */
  function dropOne(): void {
    for (const outcome of OUTCOMES_IN_ORDER.toReversed()) {
      if (kept.get(outcome)?.pop() !== undefined) break;
    }
    held -= 1;
  }

  return {
    add(outcome, cells) {
      if (!needsAttention(outcome)) return;
      total += 1;
      const rows = kept.get(outcome) ?? [];
      kept.set(outcome, rows);
      rows.push(rowOf(outcome, cells));
      held += 1;
      if (held > most) dropOne();
    },
    total: () => total,
    rows: () => OUTCOMES_IN_ORDER.flatMap((outcome) => kept.get(outcome) ?? []),
  };
}

function rowOf(outcome: DeviceOutcome, cells: EvidenceCells): AttentionRow {
  return {
    outcome,
    deviceName: cells.deviceName ?? '',
    managedDeviceId: cells.managedDeviceId ?? '',
    entraDeviceId: cells.entraDeviceId ?? '',
    keyAt: cells.keyBeforeAt ?? '',
    askedAt: cells.acceptedBy || cells.claimedAt || '',
    actionState: cells.lateActionState || (cells.actionState ?? ''),
    errorCode: cells.lateErrorCode || (cells.errorCode ?? ''),
    httpStatus: cells.httpStatus ?? '',
  };
}
