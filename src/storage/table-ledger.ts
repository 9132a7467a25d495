/** The ledger on Azure Table Storage. Layer: storage adapter. */
import { odata } from '@azure/data-tables';
import type { TenantId } from '../domain/ids.ts';
import type { Ledger } from '../domain/ports.ts';
import { createDeviceLedger } from './device-ledger.ts';
import { rowKeyOf } from './names.ts';
import { createRotationLedger } from './rotation-ledger.ts';
import { quarantineCodec } from './rows/quarantine-row.ts';
import { createRunLedger } from './run-ledger.ts';
import type { ServerClock } from './server-clock.ts';
import type { TableStore } from './table-store.ts';

/** The tables the ledger lives in. */
export interface LedgerTables {
  readonly runs: TableStore;
  readonly rotations: TableStore;
  readonly devices: TableStore;
  readonly quarantine: TableStore;
}

/** The ledger of one tenant. */
export function createTableLedger(tables: LedgerTables, tenantId: TenantId, serverClock: ServerClock): Ledger {
  return {
    serverNowMs: () => serverClock.nowMs(),
    ...createRunLedger(tables.runs, tenantId),
    ...createRotationLedger(tables.rotations, tenantId),
    ...createDeviceLedger(tables.devices, tenantId),

    quarantine: (entry) => tables.quarantine.upsert(tenantId, rowKeyOf(entry.id), quarantineCodec.encode(entry)),

    async *listQuarantine() {
      for await (const page of tables.quarantine.pages(odata`PartitionKey eq ${tenantId}`)) {
        for (const row of page) yield quarantineCodec.decode(row);
      }
    },
  };
}
