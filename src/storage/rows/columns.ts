/** How one field of a domain value is kept in columns of a table row. Pure. Layer: storage adapter. */
import { StorageError } from '../../domain/storage-error.ts';

/** What a table column holds: Edm.String, Edm.Int32, Edm.Boolean, Edm.DateTime. */
export type Cell = string | number | boolean | Date;
/** Columns by name. */
export type Cells = Record<string, Cell>;
/** Columns as they come back. */
export type StoredCells = Readonly<Record<string, unknown>>;

/** One field and its columns. */
export interface Column<V> {
  readonly name: string;
  write(cells: Cells, value: V): void;
  /** `undefined` when the row has no such column. @throws {StorageError} when it holds something else. */
  read(cells: StoredCells): V | undefined;
}

/**
 * Characters per property. A property holds 64 KiB of UTF-16, which is 32,768 characters; chosen a little below.
 * Source: Understanding the Table service data model, "Property limitations" (read 2026-11-22).
 */
export const TEXT_PER_COLUMN = 32_000;

/** Pieces of at most `TEXT_PER_COLUMN` characters; never between the halves of a surrogate pair, which would not survive UTF-8. */
export function splitText(text: string): readonly string[] {
  if (text.length <= TEXT_PER_COLUMN) return [text];
  const pieces: string[] = [];
  for (let from = 0; from < text.length; ) {
    let to = Math.min(from + TEXT_PER_COLUMN, text.length);
    const last = text.charCodeAt(to - 1);
    if (to < text.length && last >= 0xd800 && last <= 0xdbff) to -= 1;
    pieces.push(text.slice(from, to));
    from = to;
  }
  return pieces;
}

function wrong(name: string, expected: string, value: unknown): StorageError {
  return new StorageError('other', `column ${name} must hold ${expected}, it holds a ${typeof value}`);
}

/** Text of any length: what does not fit goes on in `name_1`, `name_2`, … */
export function text<V extends string = string>(name: string): Column<V> {
  return {
    name,
    write(cells, value) {
      if (value.length <= TEXT_PER_COLUMN) cells[name] = value;
      else
        splitText(value).forEach((piece, i) => {
          cells[i === 0 ? name : `${name}_${i}`] = piece;
        });
    },
    read(cells) {
      let value = cells[name];
      if (value === undefined || value === null) return undefined;
      if (typeof value !== 'string') throw wrong(name, 'text', value);
      for (let i = 1; ; i++) {
        const more = cells[`${name}_${i}`];
        if (typeof more !== 'string') return value as V;
        value += more;
      }
    },
  };
}

/** One of a closed set of words. */
export function oneOf<V extends string>(name: string, members: readonly V[]): Column<V> {
  const known: ReadonlySet<string> = new Set(members);
  return {
    name,
    write(cells, value) {
      cells[name] = value;
    },
    read(cells) {
      const value = cells[name];
      if (value === undefined || value === null) return undefined;
      if (typeof value !== 'string' || !known.has(value)) throw wrong(name, `one of ${members.join(', ')}`, value);
      return value as V;
    },
  };
}

/** A whole number of 32 bits. */
export function int(name: string): Column<number> {
  return {
    name,
    write(cells, value) {
      if ((value | 0) !== value) {
        throw new StorageError('other', `column ${name} holds whole numbers of 32 bits, not ${value}`);
      }
      cells[name] = value;
    },
    read(cells) {
      const value = cells[name];
      if (value === undefined || value === null) return undefined;
      if (typeof value !== 'number') throw wrong(name, 'a number', value);
      return value;
    },
  };
}

/** Any number, exactly; as text, because a table would give a double back in other digits. */
export function exactNumber(name: string): Column<number> {
  return {
    name,
    write(cells, value) {
      cells[name] = String(value);
    },
    read(cells) {
      const value = cells[name];
      if (value === undefined || value === null) return undefined;
      if (typeof value !== 'string' || value === '' || Number.isNaN(Number(value))) {
        throw wrong(name, 'a number as text', value);
      }
      return Number(value);
    },
  };
}

/** An instant in whole ms since the epoch, kept as Edm.DateTime so that people can filter and sort by it. Fractions of a ms are rounded. */
export function instant(name: string): Column<number> {
  return {
    name,
    write(cells, value) {
      cells[name] = new Date(Math.round(value));
    },
    read(cells) {
      const value = cells[name];
      if (value === undefined || value === null) return undefined;
      if (!(value instanceof Date)) throw wrong(name, 'an instant', value);
      return value.getTime();
    },
  };
}

/** Yes or no. */
export function flag<V extends boolean = boolean>(name: string): Column<V> {
  return {
    name,
    write(cells, value) {
      cells[name] = value;
    },
    read(cells) {
      const value = cells[name];
      if (value === undefined || value === null) return undefined;
      if (typeof value !== 'boolean') throw wrong(name, 'true or false', value);
      return value as V;
    },
  };
}

/** A value of several parts, as JSON text of any length. */
export function json<V>(name: string): Column<V> {
  const inner = text(name);
  return {
    name,
    write: (cells, value) => inner.write(cells, JSON.stringify(value)),
    read(cells) {
      const value = inner.read(cells);
      if (value === undefined) return undefined;
      try {
        return JSON.parse(value) as V;
      } catch (error) {
        throw new StorageError('other', `column ${name} must hold JSON`, error);
      }
    },
  };
}
