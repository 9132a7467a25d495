/** Rotations in memory: the same promises as the table, by order. Layer: storage adapter. */
import type { RunId } from '../../domain/ids.ts';
import type { Versioned } from '../../domain/ledger.ts';
import type { Rotation } from '../../domain/rotation.ts';
import { ROWS_PER_PAGE, refuseMoreThanOneTransaction, refuseTooManyIds } from '../limits.ts';
import type { RotationLedger } from '../rotation-ledger.ts';

/** The memory ledger's rotations. */
export interface MemoryRotations extends RotationLedger {
  /** How many rows were ever inserted for the run. */
  rotationCount(runId: RunId): number;
}

/** `rows: 'count'` forgets planned rows as soon as they are counted: for measuring planning alone. */
export function createMemoryRotations(nextVersion: () => string, rows: 'keep' | 'count'): MemoryRotations {
  const runs = new Map<RunId, (Versioned<Rotation> | undefined)[]>();
  const counts = new Map<RunId, number>();

  function rowsOf(runId: RunId): (Versioned<Rotation> | undefined)[] {
    const kept = runs.get(runId) ?? [];
    runs.set(runId, kept);
    return kept;
  }

  function between(runId: RunId, from: number, to: number): Versioned<Rotation>[] {
    return rowsOf(runId)
      .slice(from, Math.max(from, to))
      .filter((row) => row !== undefined);
  }

  return {
    rotationCount: (runId) => counts.get(runId) ?? 0,

    async writePlannedRotations(runId, rotations) {
      const kept = rowsOf(runId);
      let inserted = 0;
      for (const value of rotations) {
        if (kept[value.order] !== undefined) continue;
        inserted += 1;
        if (rows === 'keep') kept[value.order] = { value, version: nextVersion() };
      }
      counts.set(runId, (counts.get(runId) ?? 0) + inserted);
    },

    readRotations: async (runId, fromOrder, toOrder) => between(runId, fromOrder, toOrder),

    async readRotationsAt(runId, orders) {
      refuseMoreThanOneTransaction(orders.length, 'rotations are read by order');
      const kept = rowsOf(runId);
      const unique = [...new Set(orders)].sort((a, b) => a - b);
      return unique.map((order) => kept[order]).filter((row) => row !== undefined);
    },

    async *rotationPages(runId, rowsPerPage = ROWS_PER_PAGE) {
      const { length } = rowsOf(runId);
      for (let from = 0; from < length; from += rowsPerPage) {
        const page = between(runId, from, from + rowsPerPage).map(({ value }) => value);
        if (page.length > 0) yield page;
      }
    },

    async rotationsOf(runId, ids, signal) {
      signal.throwIfAborted();
      refuseTooManyIds(ids.length);
      const sought = new Set<string | undefined>(ids);
      return between(runId, 0, rowsOf(runId).length)
        .map(({ value }) => value)
        .filter(({ entraDeviceId, managedDeviceId }) => sought.has(managedDeviceId) || sought.has(entraDeviceId));
    },

    async writeRotations(runId, changes) {
      refuseMoreThanOneTransaction(changes.length, 'rotations are written together');
      const kept = rowsOf(runId);
      const lost: number[] = [];
      for (const { value, version } of changes) {
        if (kept[value.order]?.version === version) kept[value.order] = { value, version: nextVersion() };
        else lost.push(value.order);
      }
      return lost.sort((a, b) => a - b);
    },
  };
}
