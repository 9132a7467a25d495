/** Where the budgets that all instances share are kept. Layer: domain (port). */
import type { BudgetState } from './budget-state.ts';
import type { Versioned } from './ledger.ts';
import type { RequestClass } from './request-class.ts';

/** One budget row per tenant and request class, shared by all instances. @throws {StorageError} */
export interface BudgetStore {
  /** The storage server's clock, in ms. */
  serverNowMs(): number;
  read(requestClass: RequestClass): Promise<Versioned<BudgetState> | undefined>;
  /** The new version, or `undefined` when someone else wrote first. `version` undefined: insert. */
  write(requestClass: RequestClass, state: BudgetState, version: string | undefined): Promise<string | undefined>;
}
