/** Many conditional writes to one partition: all that can be written are, the losers are named. Layer: storage adapter. */
import { StorageError } from '../domain/storage-error.ts';
import { ROWS_PER_TRANSACTION } from './limits.ts';
import type { Cells } from './rows/columns.ts';
import { holds, type RowWrite, type StoredRow, type TableStore } from './table-store.ts';

/** Chosen: half a MiB below the limit. Source: Performing entity group transactions, "no more than 4 MiB" (read 2026-11-22). */
const BYTES_PER_TRANSACTION = 3.5 * 1024 * 1024;
/** Headers, keys and the small columns of one row. Chosen: above what the longest row needs. */
const BYTES_PER_ROW = 4_096;
/** A character takes at most this much in JSON: `\u0001`. */
const BYTES_PER_CHARACTER = 6;

/** Rounds of trying what is left after a conflict. Chosen: each round names a loser or finds none; more means a server that contradicts itself. */
const MAX_ROUNDS = 10;

function sizeOf(cells: Cells): number {
  let bytes = BYTES_PER_ROW;
  for (const name in cells) {
    const cell = cells[name];
    if (typeof cell === 'string') bytes += cell.length * BYTES_PER_CHARACTER;
  }
  return bytes;
}

/** Cuts writes into transactions that fit, in order. */
export function transactionsOf(writes: readonly RowWrite[]): readonly (readonly RowWrite[])[] {
  const transactions: RowWrite[][] = [];
  let current: RowWrite[] = [];
  let bytes = 0;
  for (const write of writes) {
    const size = sizeOf(write.cells);
    if (current.length === ROWS_PER_TRANSACTION || (current.length > 0 && bytes + size > BYTES_PER_TRANSACTION)) {
      transactions.push(current);
      current = [];
      bytes = 0;
    }
    current.push(write);
    bytes += size;
  }
  if (current.length > 0) transactions.push(current);
  return transactions;
}

/**
 * Writes one transaction's worth of rows. A transaction is all or nothing, so after a conflict the rows are read back: those of another
 * version are lost, unless an earlier try may have gone through and the row holds what we wrote; the rest is tried again.
 * Returns the row keys that were lost.
 */
export async function writeRows(
  table: TableStore,
  partitionKey: string,
  writes: readonly RowWrite[],
  readBack: (writes: readonly RowWrite[]) => Promise<ReadonlyMap<string, StoredRow>>,
): Promise<readonly string[]> {
  const lost: string[] = [];
  let open = writes;
  let unclear = false;
  for (let round = 0; open.length > 0; round++) {
    if (round === MAX_ROUNDS) {
      throw new StorageError(
        'other',
        `storage refuses rows of partition ${partitionKey} whose conditions hold; try again later`,
      );
    }
    const result = await table.transact(partitionKey, open);
    if (result.kind === 'written') break;
    unclear ||= result.unclear;
    const stored = await readBack(open);
    open = open.filter(({ rowKey, cells, version }) => {
      const row = stored.get(rowKey);
      if (row?.etag === version) return true;
      const ours = unclear && row !== undefined && holds(row, cells);
      if (!ours) lost.push(rowKey);
      return false;
    });
  }
  return lost;
}
