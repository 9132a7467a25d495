/** How a CSV of recovery keys ended, for people. Pure. Layer: cli. */
import { failedIn, rowsIn } from '../../app/escrow/escrow-counts.ts';
import type { EarlyEnd, EscrowRowsEnd } from '../../app/escrow/escrow-rows.ts';
import type { EscrowOperation } from '../../domain/escrow.ts';
import { plural } from '../../domain/plain-figures.ts';
import { countsText } from './escrow-progress.ts';
import { FORBIDDEN_LINES, notSupportedLines } from './escrow-words.ts';

/** @param journal absent in a dry run. */
export function csvEndLines(
  operation: EscrowOperation,
  { counts, early }: EscrowRowsEnd,
  journal: string | undefined,
): readonly string[] {
  const rows = `${plural(rowsIn(counts), 'row')}: ${countsText(counts)}.`;
  const why = early === undefined ? [] : earlyLines(operation, early, journal);
  if (journal === undefined) return [rows, ...why, 'Nothing was sent: this was a dry run.'];
  const isOver = early === undefined && failedIn(counts) === 0;
  const next = isOver || early?.kind === 'otherRow' ? [] : [nextStep(counts.uncertain, journal)];
  return [rows, ...why, ...next];
}

function earlyLines(operation: EscrowOperation, early: EarlyEnd, journal: string | undefined): readonly string[] {
  switch (early.kind) {
    case 'notSupported':
      return notSupportedLines(operation, early.httpStatus);
    case 'forbidden':
      return FORBIDDEN_LINES;
    case 'stopped':
      return ['Stopped. The rows after these were left untouched.'];
    case 'otherRow': {
      const { entraDeviceId, volumeType } = early.journal;
      return [
        `Line ${early.line} of the CSV is another row than in ${journal ?? 'the journal'}, which has device ${entraDeviceId} ` +
          `(${volumeType}) there. It is the journal of another file, or rows were added or taken out. ` +
          'Nothing from this line on was sent; give the file it belongs to, or another --journal.',
      ];
    }
  }
}

function nextStep(uncertain: number, journal: string): string {
  const first = uncertain > 0 ? ' What is uncertain is looked for in escrow first.' : '';
  return `Run the same command again to carry on: rows in escrow are skipped.${first} The journal is ${journal}`;
}
