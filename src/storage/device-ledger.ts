/** The ledger's rows about devices across runs: claims, last requests. Layer: storage adapter. */
import { odata } from '@azure/data-tables';
import type { DeviceRecord } from '../domain/device-record.ts';
import type { EntraDeviceId, TenantId } from '../domain/ids.ts';
import type { Ledger } from '../domain/ledger.ts';
import { transactionsOf, writeRows } from './conditional-rows.ts';
import { devicePartition, devicePartitions } from './names.ts';
import { lastAskedFirst } from './newest-first.ts';
import { inParallel } from './parallel.ts';
import { deviceCodec } from './rows/device-row.ts';
import type { RowWrite, StoredRow, TableStore } from './table-store.ts';

/** The part of the ledger in table `Devices`. */
export type DeviceLedger = Pick<Ledger, 'readDevices' | 'writeDevices' | 'devicePages' | 'devicesManagedAs'>;

/** `table` is `Devices`. */
export function createDeviceLedger(table: TableStore, tenantId: TenantId): DeviceLedger {
  /** One request per row: a filter with several row keys scans the whole partition. Source: Table design guide, "Design for querying" (read 2026-11-22). */
  async function readRows(ids: readonly EntraDeviceId[]): Promise<ReadonlyMap<EntraDeviceId, StoredRow>> {
    const unique = [...new Set(ids)];
    const rows = await inParallel(unique, (id) => table.get(devicePartition(tenantId, id), id));
    const found = new Map<EntraDeviceId, StoredRow>();
    unique.forEach((id, i) => {
      const row = rows[i];
      if (row !== undefined) found.set(id, row);
    });
    return found;
  }

  return {
    async readDevices(ids) {
      const rows = await readRows(ids);
      return new Map([...rows].map(([id, row]) => [id, { value: deviceCodec.decode(row), version: row.etag }]));
    },

    async writeDevices(changes) {
      const shards = new Map<string, RowWrite[]>();
      for (const { record, version } of changes) {
        const partition = devicePartition(tenantId, record.entraDeviceId);
        const writes = shards.get(partition) ?? [];
        writes.push({ rowKey: record.entraDeviceId, cells: deviceCodec.encode(record), version });
        shards.set(partition, writes);
      }
      const transactions = [...shards].flatMap(([partition, writes]) =>
        transactionsOf(writes).map((transaction) => ({ partition, transaction })),
      );
      const lost = await inParallel(transactions, ({ partition, transaction }) =>
        writeRows(table, partition, transaction, (open) => readRows(open.map(({ rowKey }) => rowKey as EntraDeviceId))),
      );
      return lost.flat() as EntraDeviceId[];
    },

    async *devicePages() {
      const partitions = devicePartitions(tenantId);
      const [first = '', last = ''] = [partitions.at(0), partitions.at(-1)];
      for await (const page of table.pages(odata`PartitionKey ge ${first} and PartitionKey le ${last}`)) {
        yield page.map((row) => ({ value: deviceCodec.decode(row), version: row.etag }));
      }
    },

    async devicesManagedAs(id, signal) {
      // A scan of every shard, by the server: all at once take as long as one.
      const shards = await inParallel(devicePartitions(tenantId), async (partition) => {
        const records: DeviceRecord[] = [];
        const filter = odata`PartitionKey eq ${partition} and managedDeviceId eq ${id}`;
        for await (const page of table.pages(filter, { signal })) {
          records.push(...page.map((row) => deviceCodec.decode(row)));
        }
        return records;
      });
      return shards.flat().sort(lastAskedFirst);
    },
  };
}
