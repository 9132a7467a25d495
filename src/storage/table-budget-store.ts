/** The shared budgets on Azure Table Storage, one row per request class. Layer: storage adapter. */

import type { BudgetStore } from '../domain/budget-store.ts';
import type { TenantId } from '../domain/ids.ts';
import { budgetCodec } from './rows/budget-row.ts';
import type { ServerClock } from './server-clock.ts';
import type { TableStore } from './table-store.ts';

/** `table` is `Budgets`. */
export function createTableBudgetStore(table: TableStore, tenantId: TenantId, serverClock: ServerClock): BudgetStore {
  return {
    serverNowMs: () => serverClock.nowMs(),

    async read(requestClass) {
      const row = await table.get(tenantId, requestClass);
      return row && { value: budgetCodec.decode(row), version: row.etag };
    },

    write(requestClass, state, version) {
      const cells = budgetCodec.encode(state);
      return version === undefined
        ? table.insert(tenantId, requestClass, cells)
        : table.replace(tenantId, requestClass, cells, version);
    },
  };
}
