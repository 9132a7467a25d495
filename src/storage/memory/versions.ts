/** Rows in memory with the conditional writes of a table. Layer: storage adapter. */
import type { Versioned } from '../../domain/ledger.ts';

/** One conditional write. `version` undefined: insert. */
export interface Change<V> {
  readonly key: string;
  readonly value: V;
  readonly version: string | undefined;
}

/** Values by key, each with a version that no other write ever has. */
export interface VersionedRows<V> {
  get(key: string): Versioned<V> | undefined;
  /** The new version, or `undefined` when the condition does not hold. */
  write(change: Change<V>): string | undefined;
  /** All or nothing. */
  writeAll(changes: readonly Change<V>[]): boolean;
  upsert(key: string, value: V): void;
  delete(key: string): void;
  /** In order of their keys. */
  entries(): readonly (readonly [key: string, row: Versioned<V>])[];
}

/** `nextVersion` gives a text it never gave before. */
export function createVersionedRows<V>(nextVersion: () => string): VersionedRows<V> {
  const rows = new Map<string, Versioned<V>>();
  const holds = ({ key, version }: Change<V>) => rows.get(key)?.version === version;

  function put(key: string, value: V): string {
    const version = nextVersion();
    rows.set(key, { value, version });
    return version;
  }

  return {
    get: (key) => rows.get(key),
    write: (change) => (holds(change) ? put(change.key, change.value) : undefined),
    writeAll(changes) {
      if (!changes.every(holds)) return false;
      for (const { key, value } of changes) put(key, value);
      return true;
    },
    upsert(key, value) {
      put(key, value);
    },
    delete(key) {
      rows.delete(key);
    },
    entries: () => [...rows].sort(([a], [b]) => (a < b ? -1 : 1)),
  };
}
