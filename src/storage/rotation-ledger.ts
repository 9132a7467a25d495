/** The ledger's rows about rotations, one per device and run. Layer: storage adapter. */
import { odata } from '@azure/data-tables';
import type { RunId, TenantId } from '../domain/ids.ts';
import type { Ledger, Versioned } from '../domain/ledger.ts';
import type { Rotation } from '../domain/rotation.ts';
import { transactionsOf, writeRows } from './conditional-rows.ts';
import { ROWS_PER_TRANSACTION, refuseMoreThanOneTransaction, refuseTooManyIds } from './limits.ts';
import { orderKey, rotationRow, runPartition } from './names.ts';
import { inParallel } from './parallel.ts';
import { rotationCodec } from './rows/rotation-row.ts';
import { type RowWrite, rowsBetween, type StoredRow, type TableStore } from './table-store.ts';

/** The part of the ledger in table `Rotations`. */
export type RotationLedger = Pick<
  Ledger,
  'writePlannedRotations' | 'readRotations' | 'readRotationsAt' | 'rotationPages' | 'rotationsOf' | 'writeRotations'
>;

/** Orders further apart than this are read by separate requests. Chosen: reading 200 rows too many costs about one request. */
const GAP = 200;

/**
 * Rows handed out together. Chosen: whoever takes them has so few in hand while the next page is on its way, and V8 gives the young generation
 * more memory the more of it survives: with whole pages of 200, reading 100,000 rows peaked 60 MiB higher.
 */
const ROWS_AT_ONCE = 25;

/** Ranges `[from, to)` that cover the orders, without long stretches that nobody asked for. */
export function rangesOf(orders: readonly number[]): readonly (readonly [from: number, to: number])[] {
  const ranges: [number, number][] = [];
  for (const order of [...orders].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && order - last[1] < GAP) last[1] = order + 1;
    else ranges.push([order, order + 1]);
  }
  return ranges;
}

/** The order in a row key of `Rotations`. */
function orderOf(rowKey: string): number {
  return Number(rowKey.slice(0, rowKey.indexOf('_')));
}

/** `table` is `Rotations`. */
export function createRotationLedger(table: TableStore, tenantId: TenantId): RotationLedger {
  async function readRange(partition: string, from: number, to: number): Promise<StoredRow[]> {
    const rows: StoredRow[] = [];
    if (from >= to) return rows;
    for await (const page of table.pages(rowsBetween(partition, orderKey(from), orderKey(to)))) rows.push(...page);
    return rows;
  }

  async function readOrders(partition: string, orders: readonly number[]): Promise<StoredRow[]> {
    const wanted = new Set(orders);
    const ranges = await inParallel(rangesOf(orders), ([from, to]) => readRange(partition, from, to));
    return ranges.flat().filter((row) => wanted.has(orderOf(row.rowKey)));
  }

  const versioned = (row: StoredRow): Versioned<Rotation> => ({ value: rotationCodec.decode(row), version: row.etag });

  const toWrite = (rotation: Rotation, version: string | undefined): RowWrite => ({
    rowKey: rotationRow(rotation),
    cells: rotationCodec.encode(rotation),
    version,
  });

  /** Row keys that were lost. */
  function write(partition: string, writes: readonly RowWrite[]): Promise<readonly string[]> {
    return writeRows(table, partition, writes, async (open) => {
      const rows = await readOrders(
        partition,
        open.map(({ rowKey }) => orderOf(rowKey)),
      );
      return new Map(rows.map((row) => [row.rowKey, row]));
    });
  }

  return {
    async writePlannedRotations(runId: RunId, rotations: readonly Rotation[]) {
      const partition = runPartition(tenantId, runId);
      const blocks: (readonly Rotation[])[] = [];
      for (let from = 0; from < rotations.length; from += ROWS_PER_TRANSACTION) {
        blocks.push(rotations.slice(from, from + ROWS_PER_TRANSACTION));
      }
      // Encoded when its turn comes, so that a million rows are not in memory twice. Losers exist already, and stay as they are.
      await inParallel(blocks, async (block) => {
        for (const writes of transactionsOf(block.map((r) => toWrite(r, undefined)))) await write(partition, writes);
      });
    },

    async readRotations(runId, fromOrder, toOrder) {
      return (await readRange(runPartition(tenantId, runId), fromOrder, toOrder)).map(versioned);
    },

    async readRotationsAt(runId, orders) {
      refuseMoreThanOneTransaction(orders.length, 'rotations are read by order');
      return (await readOrders(runPartition(tenantId, runId), orders)).map(versioned);
    },

    async *rotationPages(runId, rowsPerPage) {
      const filter = odata`PartitionKey eq ${runPartition(tenantId, runId)}`;
      for await (const page of table.pages(filter, rowsPerPage === undefined ? {} : { rowsPerPage })) {
        while (page.length > 0) yield page.splice(0, ROWS_AT_ONCE).map((row) => rotationCodec.decode(row));
      }
    },

    async rotationsOf(runId, ids, signal) {
      refuseTooManyIds(ids.length);
      const rotations: Rotation[] = [];
      if (ids.length === 0) return rotations;
      // A scan of the partition, by the server: what does not match stays there.
      const isOne = ids.flatMap((id) => [odata`entraDeviceId eq ${id}`, odata`managedDeviceId eq ${id}`]).join(' or ');
      const filter = `${odata`PartitionKey eq ${runPartition(tenantId, runId)}`} and (${isOne})`;
      for await (const page of table.pages(filter, { signal })) {
        rotations.push(...page.map((row) => rotationCodec.decode(row)));
      }
      return rotations;
    },

    async writeRotations(runId, changes) {
      refuseMoreThanOneTransaction(changes.length, 'rotations are written together');
      const partition = runPartition(tenantId, runId);
      const transactions = transactionsOf(changes.map(({ value, version }) => toWrite(value, version)));
      const lost = await inParallel(transactions, (writes) => write(partition, writes));
      return lost
        .flat()
        .map(orderOf)
        .sort((a, b) => a - b);
    },
  };
}
