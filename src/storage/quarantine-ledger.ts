/** The ledger's rows about messages nobody could act on: the messages, and why their deliveries failed. Layer: storage adapter. */
import { odata } from '@azure/data-tables';
import type { TenantId } from '../domain/ids.ts';
import type { Ledger } from '../domain/ledger.ts';
import { faultPartition, rowKeyOf } from './names.ts';
import { fitted, fittedNote } from './quarantine-limits.ts';
import { faultCodec, quarantineCodec } from './rows/quarantine-row.ts';
import type { TableStore } from './table-store.ts';

/** The part of the ledger in table `Quarantine`. */
export type QuarantineLedger = Pick<
  Ledger,
  'quarantine' | 'readQuarantine' | 'listQuarantine' | 'deleteQuarantine' | 'noteFault' | 'readFault' | 'forgetFault'
>;

/** `table` is `Quarantine`. */
export function createQuarantineLedger(table: TableStore, tenantId: TenantId): QuarantineLedger {
  const faults = faultPartition(tenantId);

  return {
    async quarantine(entry) {
      await table.upsert(tenantId, rowKeyOf(entry.id), quarantineCodec.encode(fitted(entry)));
      await table.remove(faults, rowKeyOf(entry.id));
    },

    async readQuarantine(id) {
      const row = await table.get(tenantId, rowKeyOf(id));
      return row && quarantineCodec.decode(row);
    },

    async *listQuarantine() {
      for await (const page of table.pages(odata`PartitionKey eq ${tenantId}`)) {
        for (const row of page) yield quarantineCodec.decode(row);
      }
    },

    async deleteQuarantine(id, atMs) {
      const row = await table.get(tenantId, rowKeyOf(id));
      if (row === undefined || quarantineCodec.decode(row).atMs !== Math.round(atMs)) return;
      await table.remove(tenantId, rowKeyOf(id), row.etag);
      await table.remove(faults, rowKeyOf(id));
    },

    noteFault: (id, note) => table.upsert(faults, rowKeyOf(id), faultCodec.encode(fittedNote(note))),

    async readFault(id) {
      const row = await table.get(faults, rowKeyOf(id));
      return row && faultCodec.decode(row);
    },

    forgetFault: (id) => table.remove(faults, rowKeyOf(id)),
  };
}
