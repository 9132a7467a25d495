/** The ledger on Azure Table Storage. Layer: storage adapter. */
import type { TenantId } from '../domain/ids.ts';
import type { Ledger } from '../domain/ledger.ts';
import { createDeviceLedger } from './device-ledger.ts';
import { createQuarantineLedger } from './quarantine-ledger.ts';
import { createRotationLedger } from './rotation-ledger.ts';
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
    ...createQuarantineLedger(tables.quarantine, tenantId),
  };
}
