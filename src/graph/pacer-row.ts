/** The shared row of one request class, as one process reads and writes it: again from the start when someone else wrote first. Layer: graph adapter. */
import { type BudgetState, FRESH_BUDGET } from '../domain/budget-state.ts';
import type { BudgetStore } from '../domain/budget-store.ts';
import type { Versioned } from '../domain/ledger.ts';
import type { Clock } from '../domain/ports.ts';
import type { RequestClass } from '../domain/request-class.ts';

/** Lost races in a row before giving up. Chosen: each means that someone else succeeded, so this many mean that something is broken. */
const MAX_CONFLICTS = 200;

/** What to write, and what to do once it is stored. */
export interface Decision {
  readonly state: BudgetState;
  commit(): void;
}

/** Makes a decision of the row, or none when there is nothing to write. `toServerMs` takes our clock to the storage server's. */
export type Decide = (state: BudgetState, nowMs: number, toServerMs: number) => Decision | undefined;

export interface BudgetRow {
  /** The row as last seen. */
  latest(): BudgetState;
  /** It has been seen at all. */
  wasSeen(): boolean;
  /**
   * Stores what `decide` makes of the row. False when there was nothing to write.
   * The row is read only when it is not known what it holds: a write that succeeds proves that nobody else wrote since.
   * @throws {StorageError}
   */
  exchange(decide: Decide): Promise<boolean>;
  /** As `exchange`, on a row read anew. */
  exchangeFresh(decide: Decide): Promise<boolean>;
}

/** @param pauseBetweenMs how much longer to wait after each race lost. */
export function createBudgetRow(
  requestClass: RequestClass,
  store: BudgetStore,
  clock: Clock,
  pauseBetweenMs: number,
): BudgetRow {
  let row: Versioned<BudgetState> | undefined;
  let known = false;
  let seen = false;

  async function exchange(decide: Decide): Promise<boolean> {
    for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
      if (!known) row = await store.read(requestClass);
      known = true;
      seen = true;
      const nowMs = clock.nowMs();
      const decision = decide(row?.value ?? FRESH_BUDGET, nowMs, store.serverNowMs() - nowMs);
      if (decision === undefined) return false;
      // Until the answer is here, and should it never come, what the row holds is not known.
      known = false;
      const version = await store.write(requestClass, decision.state, row?.version);
      if (version !== undefined) {
        row = { value: decision.state, version };
        known = true;
        decision.commit();
        return true;
      }
      if (conflicts > 0) await clock.sleep(Math.min(conflicts, 10) * pauseBetweenMs);
    }
    throw new Error(`the budget row ${requestClass} could not be written: it changed ${MAX_CONFLICTS} times in a row`);
  }

  return {
    latest: () => row?.value ?? FRESH_BUDGET,
    wasSeen: () => seen,
    exchange,
    exchangeFresh(decide) {
      known = false;
      return exchange(decide);
    },
  };
}
