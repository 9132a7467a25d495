/** Limits of the Table service that the memory ledger shares with the real one. Layer: storage adapter. */
import { MOST_IDS_SOUGHT } from '../domain/ledger.ts';

/** Source: Performing entity group transactions, "at most 100 entities" (read 2026-11-22). */
export const ROWS_PER_TRANSACTION = 100;
/** Rows in one answer. Source: Query timeout and pagination, Table service (read 2026-11-22). */
export const ROWS_PER_PAGE = 1_000;

/** @throws {RangeError} for more rows than one transaction takes. */
export function refuseMoreThanOneTransaction(count: number, what: string): void {
  if (count > ROWS_PER_TRANSACTION) {
    throw new RangeError(`at most ${ROWS_PER_TRANSACTION} ${what}, got ${count}`);
  }
}

/** @throws {RangeError} for more ids than one filter takes. */
export function refuseTooManyIds(count: number): void {
  if (count > MOST_IDS_SOUGHT) throw new RangeError(`at most ${MOST_IDS_SOUGHT} ids are sought, got ${count}`);
}
