/** Where each row of a CSV ended, counted. Layer: app. */

/** Every row read is in exactly one of these. */
export const ROW_ENDS = [
  /** Now in escrow by our request. */
  'escrowed',
  /** In escrow since an earlier run with this journal. */
  'already',
  /** Was in doubt; looked for, and found in escrow. */
  'found',
  /** Dry run: would be sent. */
  'valid',
  /** Breaks a rule; not sent. */
  'invalid',
  /** The tenant said no to this row. */
  'refused',
  /** Sent, and the answer was lost; the next run looks. */
  'uncertain',
  /** The tenant does not perform the operation. */
  'notSupported',
  /** Not sent: a rotation of the device may still bring a key. */
  'rotationPending',
  /** Certainly not performed, as the run was stopped. */
  'notSent',
] as const;
export type RowEnd = (typeof ROW_ENDS)[number];

export type EscrowCounts = Readonly<Record<RowEnd, number>>;

/** Ends that leave nothing to be done. */
const DONE: readonly RowEnd[] = ['escrowed', 'already', 'found', 'valid'];

/** All zero. */
export function noRows(): Record<RowEnd, number> {
  return Object.fromEntries(ROW_ENDS.map((end) => [end, 0])) as Record<RowEnd, number>;
}

/** How many rows were read. */
export function rowsIn(counts: EscrowCounts): number {
  return ROW_ENDS.reduce((sum, end) => sum + counts[end], 0);
}

/** How many of them somebody has to do something about. */
export function failedIn(counts: EscrowCounts): number {
  return rowsIn(counts) - DONE.reduce((sum, end) => sum + counts[end], 0);
}
