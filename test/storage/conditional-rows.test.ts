import { describe, expect, it } from 'vitest';
import { transactionsOf, writeRows } from '../../src/storage/conditional-rows.ts';
import type { Cells } from '../../src/storage/rows/columns.ts';
import type { RowWrite, StoredRow, TableStore, TransactionResult } from '../../src/storage/table-store.ts';

const write = (rowKey: string, version: string | undefined, cells: Cells = { v: 1 }): RowWrite => ({
  rowKey,
  version,
  cells,
});
const stored = (rowKey: string, etag: string, cells: Cells = { v: 1 }): StoredRow => ({
  ...cells,
  partitionKey: 'p',
  rowKey,
  etag,
});

/** A table that answers transactions as told, and remembers which rows were in them. */
function scripted(results: readonly TransactionResult[]) {
  const transactions: string[][] = [];
  const table: Pick<TableStore, 'transact'> = {
    async transact(_, writes) {
      transactions.push(writes.map(({ rowKey }) => rowKey));
      return results[transactions.length - 1] ?? { kind: 'written' };
    },
  };
  return { table: table as TableStore, transactions };
}

const conflict: TransactionResult = { kind: 'conflict', unclear: false };
const unclear: TransactionResult = { kind: 'conflict', unclear: true };
const rowsNow =
  (...rows: StoredRow[]) =>
  async () =>
    new Map(rows.map((row) => [row.rowKey, row]));

describe('conditional writes', () => {
  it('name the rows of another version and write the rest', async () => {
    const { table, transactions } = scripted([conflict]);
    const readBack = rowsNow(stored('a', '1'), stored('b', '2'), stored('c', '1'));
    expect(await writeRows(table, 'p', [write('a', '1'), write('b', '1'), write('c', '1')], readBack)).toEqual(['b']);
    expect(transactions).toEqual([
      ['a', 'b', 'c'],
      ['a', 'c'],
    ]);
  });

  it('lose an insert of a row that exists, and an update of one that does not', async () => {
    const { table, transactions } = scripted([conflict]);
    const lost = await writeRows(table, 'p', [write('a', undefined), write('b', '1')], rowsNow(stored('a', '1')));
    expect(lost).toEqual(['a', 'b']);
    expect(transactions).toHaveLength(1);
  });

  it('take rows with exactly our content for ours only when an earlier try may have gone through', async () => {
    const mine = { v: 1, at: new Date(5) };
    const writes = [write('a', '1', mine), write('b', '1', mine)];
    const readBack = rowsNow(stored('a', '2', mine), stored('b', '2', { ...mine, more: 1 }));
    expect(await writeRows(scripted([unclear]).table, 'p', writes, readBack)).toEqual(['b']);
    expect(await writeRows(scripted([conflict]).table, 'p', writes, readBack)).toEqual(['a', 'b']);
  });

  it('give up on a server that contradicts itself', async () => {
    const { table } = scripted(Array<TransactionResult>(100).fill(conflict));
    await expect(writeRows(table, 'p', [write('a', '1')], rowsNow(stored('a', '1')))).rejects.toThrow(/refuses rows/);
  });
});

describe('cutting writes into transactions', () => {
  it('puts at most a hundred rows into one, in order', () => {
    const writes = Array.from({ length: 250 }, (_, i) => write(String(i), undefined));
    const transactions = transactionsOf(writes);
    expect(transactions.map((t) => t.length)).toEqual([100, 100, 50]);
    expect(transactions.flat()).toEqual(writes);
    expect(transactionsOf([])).toEqual([]);
  });

  it('keeps each below 4 MiB, whatever the characters become on the wire', () => {
    const cells = { v: 1, text: '\u0001'.repeat(20_000), more: '日'.repeat(20_000) };
    const writes = Array.from({ length: 100 }, (_, i) => write(String(i), undefined, cells));
    const transactions = transactionsOf(writes);
    expect(transactions.flat()).toEqual(writes);
    for (const transaction of transactions) {
      const bytes = Buffer.byteLength(transaction.map((w) => JSON.stringify(w.cells)).join(''));
      expect(bytes).toBeLessThan(4 * 1024 * 1024);
      expect(transaction.length).toBeGreaterThan(5);
    }
  });

  it('sends a row alone that is larger than what is chosen', () => {
    const huge = { v: 1, text: 'x'.repeat(700_000) };
    expect(transactionsOf([write('a', undefined, huge), write('b', undefined, huge)])).toHaveLength(2);
  });
});
