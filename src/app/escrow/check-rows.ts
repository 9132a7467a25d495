/** A dry run over a stream of recovery keys: every row is checked, nothing is sent or written. Layer: app. */
import { noRows, type RowEnd } from './escrow-counts.ts';
import type { EscrowRowsEnd, EscrowWatcher, ReadRow } from './escrow-rows.ts';
import type { JournalState } from './journal-state.ts';

/** @param journal what an earlier run with this CSV left, if there was one. @throws whatever reading the rows throws. */
export async function checkRows(
  rows: AsyncIterable<ReadRow>,
  journal: JournalState | undefined,
  watcher: Omit<EscrowWatcher, 'onAnswer'>,
  signal: AbortSignal,
): Promise<EscrowRowsEnd> {
  const counts = noRows();
  const end = (line: number, how: RowEnd): void => {
    counts[how] += 1;
    watcher.onRow(line, how, counts);
  };
  for await (const { line, row, problems } of rows) {
    if (signal.aborted) return { counts, early: { kind: 'stopped' } };
    if (row === undefined) {
      watcher.onProblems(line, problems);
      end(line, 'invalid');
      continue;
    }
    const before = journal?.at(line);
    if (before === undefined || before.standing === 'open') {
      end(line, 'valid');
      continue;
    }
    if (before.entraDeviceId !== row.key.entraDeviceId || before.volumeType !== row.key.volumeType) {
      return { counts, early: { kind: 'otherRow', line, journal: before } };
    }
    end(line, before.standing === 'escrowed' ? 'already' : 'valid');
  }
  return { counts };
}
