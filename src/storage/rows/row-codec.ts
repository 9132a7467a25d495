/** Turns a domain value into the columns of a row and back. Pure. Layer: storage adapter. */
import { StorageError } from '../../domain/storage-error.ts';
import type { Cells, Column, StoredCells } from './columns.ts';

/**
 * Version of all rows, in column `v`. Raised when an older reader would misunderstand a row; columns it may ignore do not raise it.
 */
export const ROW_VERSION = 1;

type OptionalKeys<T> = { [K in keyof T]-?: Record<never, never> extends Pick<T, K> ? K : never }[keyof T];

/** One column per field: those every row has, and those a row may lack. Leaving a field out does not compile. */
export interface Columns<T> {
  readonly required: { readonly [K in Exclude<keyof T, OptionalKeys<T>>]: Column<T[K]> };
  readonly optional: { readonly [K in OptionalKeys<T>]-?: Column<Exclude<T[K], undefined>> };
}

/** `decode(encode(value))` is `value`. Columns nobody knows are ignored. */
export interface RowCodec<T> {
  encode(value: T): Cells;
  /** @throws {StorageError} naming table, row and column when it was written by a newer version, or is damaged. */
  decode(row: StoredCells): T;
}

/** `forPeople` adds columns that are written and never read: copies of what is inside JSON, to filter by. */
export function createRowCodec<T extends object>(
  table: string,
  columns: Columns<T>,
  forPeople?: (value: T) => Cells,
): RowCodec<T> {
  const fields = (part: object) => Object.entries(part) as [string, Column<unknown>][];
  const required = fields(columns.required);
  const optional = fields(columns.optional);

  function encode(value: T): Cells {
    const source = value as Readonly<Record<string, unknown>>;
    const cells: Cells = { v: ROW_VERSION };
    for (const [field, column] of required) column.write(cells, source[field]);
    for (const [field, column] of optional) {
      const part = source[field];
      if (part !== undefined) column.write(cells, part);
    }
    return forPeople === undefined ? cells : Object.assign(cells, forPeople(value));
  }

  function decode(row: StoredCells): T {
    const where = `table ${table}, row ${String(row.partitionKey)} / ${String(row.rowKey)}`;
    const version = row.v;
    if (typeof version !== 'number')
      throw new StorageError('other', `${where}: column v, the row's version, is missing`);
    if (version > ROW_VERSION) {
      throw new StorageError(
        'other',
        `${where}: written by a newer version of Keyturn (row version ${version}, this one reads up to ${ROW_VERSION}); update this app`,
      );
    }
    const value: Record<string, unknown> = {};
    try {
      for (const [field, column] of required) {
        const part = column.read(row);
        if (part === undefined) throw new StorageError('other', `column ${column.name} is missing`);
        value[field] = part;
      }
      for (const [field, column] of optional) {
        const part = column.read(row);
        if (part !== undefined) value[field] = part;
      }
    } catch (error) {
      if (error instanceof StorageError) throw new StorageError(error.kind, `${where}: ${error.message}`, error);
      throw error;
    }
    return value as T;
  }

  return { encode, decode };
}
