/** A `BudgetStore` in memory that several simulated processes share, with latency and faults on demand. Layer: storage adapter. */
import type { BudgetState } from '../../domain/budget-state.ts';
import type { BudgetStore } from '../../domain/budget-store.ts';
import type { Clock } from '../../domain/ports.ts';
import type { RequestClass } from '../../domain/request-class.ts';

/** How the store behaves. */
export interface MemoryBudgetStoreOptions {
  /** Time one call takes: half before it takes effect, half after. 0 when absent. */
  readonly latencyMs?: () => number;
}

/** What a test reads and turns. */
export interface MemoryBudgetStore extends BudgetStore {
  /** Reads and writes so far, lost races among them. */
  transactions(): number;
  /** The longest row ever written, in characters of JSON. */
  longestRow(): number;
  peek(requestClass: RequestClass): BudgetState | undefined;
  /** Every call throws this from now on; `undefined`: no more. */
  failWith(error: Error | undefined): void;
  /** The same rows, by a process whose idea of the server's clock is off by this much. */
  seenBy(skewMs: number): BudgetStore;
}

/** The server's clock is `clock`. Rows are kept as JSON, as the real store keeps them. */
export function createMemoryBudgetStore(clock: Clock, options: MemoryBudgetStoreOptions = {}): MemoryBudgetStore {
  const rows = new Map<RequestClass, { readonly json: string; readonly version: string }>();
  let versions = 0;
  let transactions = 0;
  let longest = 0;
  let failure: Error | undefined;

  async function call<T>(effect: () => T): Promise<T> {
    const latencyMs = options.latencyMs?.() ?? 0;
    transactions += 1;
    await clock.sleep(latencyMs / 2);
    if (failure !== undefined) throw failure;
    const result = effect();
    await clock.sleep(latencyMs / 2);
    return result;
  }

  function seenBy(skewMs: number): BudgetStore {
    return {
      serverNowMs: () => clock.nowMs() + skewMs,
      read: (requestClass) =>
        call(() => {
          const row = rows.get(requestClass);
          return row === undefined ? undefined : { value: JSON.parse(row.json) as BudgetState, version: row.version };
        }),
      write: (requestClass, state, version) =>
        call(() => {
          if (rows.get(requestClass)?.version !== version) return undefined;
          versions += 1;
          const row = { json: JSON.stringify(state), version: `v${versions}` };
          longest = Math.max(longest, row.json.length);
          rows.set(requestClass, row);
          return row.version;
        }),
    };
  }

  return {
    ...seenBy(0),
    seenBy,
    transactions: () => transactions,
    longestRow: () => longest,
    peek(requestClass) {
      const row = rows.get(requestClass);
      return row === undefined ? undefined : (JSON.parse(row.json) as BudgetState);
    },
    failWith(error) {
      failure = error;
    },
  };
}
