/** One table: reads, conditional writes and transactions, with lost races as answers. Layer: storage adapter. */
import { odata, type TableClient, type TransactionAction } from '@azure/data-tables';
import { guarded, readFault, type StorageOperation, toStorageError } from './fault.ts';
import { ROWS_PER_PAGE } from './limits.ts';
import type { Cells, StoredCells } from './rows/columns.ts';
import type { Transport } from './transport.ts';

/** A row as it is stored. */
export type StoredRow = StoredCells & { readonly partitionKey: string; readonly rowKey: string; readonly etag: string };

/** A row to write. `version` undefined: insert. */
export interface RowWrite {
  readonly rowKey: string;
  readonly cells: Cells;
  readonly version: string | undefined;
}

/** `unclear`: an earlier try may have gone through, so the conflict may be with ourselves. */
export type TransactionResult = { readonly kind: 'written' } | { readonly kind: 'conflict'; readonly unclear: boolean };

/** How much is read. */
export interface PageBounds {
  /** Rows in all; absent: every one. */
  readonly limit?: number;
  /** Rows at a time, 1,000 at most, and when absent. */
  readonly rowsPerPage?: number;
  /** Ends the request that is on its way, too. */
  readonly signal?: AbortSignal;
}

/** @throws {StorageError} from every method. */
export interface TableStore {
  get(partitionKey: string, rowKey: string): Promise<StoredRow | undefined>;
  /** The new version, or `undefined` when the row exists. */
  insert(partitionKey: string, rowKey: string, cells: Cells): Promise<string | undefined>;
  /** The new version, or `undefined` when the row is not of that version. */
  replace(partitionKey: string, rowKey: string, cells: Cells, version: string): Promise<string | undefined>;
  /** Inserts or overwrites. */
  upsert(partitionKey: string, rowKey: string, cells: Cells): Promise<void>;
  /** Deletes the row, of that version if one is given. A row that is gone, or of another version, is left as it is. */
  remove(partitionKey: string, rowKey: string, version?: string): Promise<void>;
  /** All or nothing: at most 100 rows and 4 MiB. */
  transact(partitionKey: string, writes: readonly RowWrite[]): Promise<TransactionResult>;
  /**
   * Rows that match, in order of their keys, within `bounds`; never an empty page. A page is the caller's: what the caller takes out of it,
   * nobody holds while the next one is on its way. @throws the signal's reason, at once.
   */
  pages(filter: string, bounds?: PageBounds): AsyncIterable<StoredRow[]>;
  /** Creates the table when it is missing. */
  create(): Promise<void>;
}

/** True when the row holds exactly these columns. */
export function holds(row: StoredRow, cells: Cells): boolean {
  const own = Object.keys(row).filter((name) => !SYSTEM.has(name) && !name.startsWith('odata.'));
  return (
    own.length === Object.keys(cells).length &&
    own.every((name) => {
      const [stored, wanted] = [row[name], cells[name]];
      return stored instanceof Date && wanted instanceof Date
        ? stored.getTime() === wanted.getTime()
        : stored === wanted;
    })
  );
}

const SYSTEM: ReadonlySet<string> = new Set(['partitionKey', 'rowKey', 'etag', 'timestamp']);

/** Codes of a condition that did not hold. Source: Table service error codes (read 2026-11-22). */
const CONFLICTS: ReadonlySet<string> = new Set([
  'EntityAlreadyExists',
  'UpdateConditionNotSatisfied',
  'ConditionNotMet',
  'ResourceNotFound',
  'EntityNotFound',
]);

/** Filter for the rows of one partition from `fromKey` up to, not including, `toKey`. */
export function rowsBetween(partitionKey: string, fromKey: string, toKey: string): string {
  return odata`PartitionKey eq ${partitionKey} and RowKey ge ${fromKey} and RowKey lt ${toKey}`;
}

/** `client` must have `transport` among its policies. */
export function createTableStore(client: TableClient, transport: Transport, operation: StorageOperation): TableStore {
  async function get(partitionKey: string, rowKey: string): Promise<StoredRow | undefined> {
    try {
      return (await client.getEntity(partitionKey, rowKey)) as StoredRow;
    } catch (error) {
      if (CONFLICTS.has(readFault(error).code)) return undefined;
      throw toStorageError(operation, error);
    }
  }

  /** The new version; `undefined` for a conflict, unless it is with an earlier try of the same write. */
  async function conditionally(
    key: readonly [partitionKey: string, rowKey: string],
    cells: Cells,
    write: () => Promise<{ readonly etag?: string }>,
  ): Promise<string | undefined> {
    try {
      return (await write()).etag;
    } catch (error) {
      const fault = readFault(error);
      if (!CONFLICTS.has(fault.code)) throw toStorageError(operation, error);
      if (fault.request === undefined || !transport.isUnclear(fault.request)) return undefined;
      const stored = await get(...key);
      return stored !== undefined && holds(stored, cells) ? stored.etag : undefined;
    }
  }

  return {
    get,

    insert: (partitionKey, rowKey, cells) =>
      conditionally([partitionKey, rowKey], cells, () => client.createEntity({ partitionKey, rowKey, ...cells })),

    replace: (partitionKey, rowKey, cells, version) =>
      conditionally([partitionKey, rowKey], cells, () =>
        client.updateEntity({ partitionKey, rowKey, ...cells }, 'Replace', { etag: version }),
      ),

    async upsert(partitionKey, rowKey, cells) {
      await guarded(operation, () => client.upsertEntity({ partitionKey, rowKey, ...cells }, 'Replace'));
    },

    async remove(partitionKey, rowKey, version = '*') {
      try {
        await client.deleteEntity(partitionKey, rowKey, { etag: version });
      } catch (error) {
        if (!CONFLICTS.has(readFault(error).code)) throw toStorageError(operation, error);
      }
    },

    async transact(partitionKey, writes) {
      const actions = writes.map(({ rowKey, cells, version }): TransactionAction => {
        const entity = { ...cells, partitionKey, rowKey };
        return version === undefined ? ['create', entity] : ['update', entity, 'Replace', { etag: version }];
      });
      try {
        await client.submitTransaction(actions);
        return { kind: 'written' };
      } catch (error) {
        const fault = readFault(error);
        if (!CONFLICTS.has(fault.code)) throw toStorageError(operation, error);
        return { kind: 'conflict', unclear: fault.request !== undefined && transport.isUnclear(fault.request) };
      }
    },

    async *pages(filter, { limit = Number.POSITIVE_INFINITY, rowsPerPage = ROWS_PER_PAGE, signal } = {}) {
      const maxPageSize = Math.min(limit, rowsPerPage, ROWS_PER_PAGE);
      const options = { queryOptions: { filter }, ...(signal === undefined ? {} : { abortSignal: signal }) };
      const pages = client.listEntities(options).byPage({ maxPageSize });
      let left = limit;
      try {
        for await (const page of pages) {
          const { length } = page;
          // Taken out, not copied: the library holds on to its page until it has the next one.
          if (length > 0) yield page.splice(0, left) as unknown as StoredRow[];
          left -= length;
          if (left <= 0) return;
        }
      } catch (error) {
        signal?.throwIfAborted();
        throw toStorageError(operation, error);
      }
    },

    create: () => guarded(operation, () => client.createTable()),
  };
}
