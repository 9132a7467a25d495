/** The ledger's rows about runs: the pointer to the current one, runs, their slices and outcomes. Layer: storage adapter. */
import { odata } from '@azure/data-tables';
import type { RunId, TenantId } from '../domain/ids.ts';
import type { Ledger, Versioned } from '../domain/ledger.ts';
import { refuseMoreThanOneTransaction } from './limits.ts';
import { CURRENT_ROW, currentPartition, OUTCOMES_ROW, runPartition, SLICE_PREFIX, sliceRow } from './names.ts';
import { newestFirst } from './newest-first.ts';
import type { Cells } from './rows/columns.ts';
import type { RowCodec } from './rows/row-codec.ts';
import { runCodec } from './rows/run-row.ts';
import { currentRunCodec, outcomesCodec, sliceCodec } from './rows/slice-row.ts';
import { createRunTargets } from './run-targets.ts';
import { holds, rowsBetween, type StoredRow, type TableStore } from './table-store.ts';

/** The part of the ledger in table `Runs`. */
export type RunLedger = Pick<
  Ledger,
  | 'readCurrentRun'
  | 'writeCurrentRun'
  | 'createRun'
  | 'readRun'
  | 'writeRun'
  | 'listRuns'
  | 'readSlice'
  | 'writeSlices'
  | 'listSlices'
  | 'readOutcomes'
  | 'writeOutcomes'
>;

/** `table` is `Runs`. */
export function createRunLedger(table: TableStore, tenantId: TenantId): RunLedger {
  const partitionOf = (runId: RunId) => runPartition(tenantId, runId);
  const targets = createRunTargets(table, partitionOf);

  async function read<T>(codec: RowCodec<T>, partitionKey: string, rowKey: string): Promise<Versioned<T> | undefined> {
    const row = await table.get(partitionKey, rowKey);
    return row === undefined ? undefined : { value: codec.decode(row), version: row.etag };
  }

  /** The new version, or `undefined` when someone else wrote first. */
  function write(
    partitionKey: string,
    rowKey: string,
    cells: Cells,
    version: string | undefined,
  ): Promise<string | undefined> {
    return version === undefined
      ? table.insert(partitionKey, rowKey, cells)
      : table.replace(partitionKey, rowKey, cells, version);
  }

  return {
    readCurrentRun: () => read(currentRunCodec, currentPartition(tenantId), CURRENT_ROW),

    async writeCurrentRun(current, version) {
      const cells = currentRunCodec.encode(current);
      return (await write(currentPartition(tenantId), CURRENT_ROW, cells, version)) !== undefined;
    },

    async createRun(run) {
      const cells = runCodec.encode(await targets.toRow(run));
      return (await table.insert(tenantId, run.runId, cells)) !== undefined;
    },

    async readRun(runId) {
      const stored = await read(runCodec, tenantId, runId);
      return stored && { value: await targets.toRun(stored.value), version: stored.version };
    },

    async writeRun(run, version) {
      return table.replace(tenantId, run.runId, runCodec.encode(await targets.toRow(run)), version);
    },

    async *listRuns({ unfinished, evidenceDue }) {
      const filter = [
        odata`PartitionKey eq ${tenantId}`,
        ...(unfinished ? [odata`state ne ${'completed'} and state ne ${'aborted'}`] : []),
        ...(evidenceDue === true ? [odata`evidenceDue eq ${true}`] : []),
      ].join(' and ');
      const rows: StoredRow[] = [];
      for await (const page of table.pages(filter)) rows.push(...page);
      const runs = rows.map((row) => runCodec.decode(row)).sort(newestFirst);
      for (const run of runs) yield await targets.toRun(run);
    },

    readSlice: (runId, sliceId) => read(sliceCodec, partitionOf(runId), sliceRow(sliceId)),

    async writeSlices(runId, changes) {
      if (changes.length === 0) return true;
      refuseMoreThanOneTransaction(changes.length, 'slices are written together');
      const partition = partitionOf(runId);
      const writes = changes.map(({ slice, version }) => ({
        rowKey: sliceRow(slice.sliceId),
        cells: sliceCodec.encode(slice),
        version,
      }));
      const result = await table.transact(partition, writes);
      if (result.kind === 'written') return true;
      if (!result.unclear) return false;
      const stored = await Promise.all(writes.map(({ rowKey }) => table.get(partition, rowKey)));
      return writes.every(({ cells }, i) => {
        const row = stored[i];
        return row !== undefined && holds(row, cells);
      });
    },

    async *listSlices(runId, { state, limit }) {
      // '.' follows '-', so this is every key that starts with the prefix.
      const all = rowsBetween(partitionOf(runId), SLICE_PREFIX, `${SLICE_PREFIX.slice(0, -1)}.`);
      const filter = state === undefined ? all : `${all} and ${odata`state eq ${state}`}`;
      for await (const page of table.pages(filter, limit === undefined ? {} : { limit })) {
        for (const row of page) yield { value: sliceCodec.decode(row), version: row.etag };
      }
    },

    readOutcomes: (runId) => read(outcomesCodec, partitionOf(runId), OUTCOMES_ROW),

    async writeOutcomes(runId, outcomes, version) {
      const cells = outcomesCodec.encode(outcomes);
      return (await write(partitionOf(runId), OUTCOMES_ROW, cells, version)) !== undefined;
    },
  };
}
