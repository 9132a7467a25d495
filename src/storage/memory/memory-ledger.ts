/** The ledger in memory, with the same promises as the one on tables: for benchmarks and for tests on a virtual clock. Layer: storage adapter. */
import type { DeviceRecord } from '../../domain/device-record.ts';
import type { EntraDeviceId, RunId, SliceId } from '../../domain/ids.ts';
import type { CurrentRun, FaultNote, Ledger, Outcomes, QuarantineEntry } from '../../domain/ledger.ts';
import type { Clock } from '../../domain/ports.ts';
import { isEvidenceDue, type Run, type Slice } from '../../domain/run.ts';
import { ROWS_PER_PAGE, refuseMoreThanOneTransaction } from '../limits.ts';
import { lastAskedFirst, newestFirst } from '../newest-first.ts';
import { fitted, fittedNote } from '../quarantine-limits.ts';
import { createMemoryRotations } from './memory-rotations.ts';
import { createVersionedRows } from './versions.ts';

/** What `createMemoryLedger` needs. */
export interface MemoryLedgerOptions {
  /** Also stands for the storage server's clock. */
  readonly clock: Clock;
  /** `count` forgets rotations as soon as they are counted, for measuring planning. Default `keep`. */
  readonly rows?: 'keep' | 'count';
}

/** A ledger, and a look behind it. */
export interface MemoryLedger extends Ledger {
  /** How many rotations were ever planned for the run. */
  rotationCount(runId: RunId): number;
}

/** One tenant's ledger. Values are kept as they are given, not copied: they are immutable. */
export function createMemoryLedger({ clock, rows = 'keep' }: MemoryLedgerOptions): MemoryLedger {
  let written = 0;
  const nextVersion = () => {
    written += 1;
    return String(written);
  };
  const current = createVersionedRows<CurrentRun>(nextVersion);
  const runs = createVersionedRows<Run>(nextVersion);
  const slices = createVersionedRows<Slice>(nextVersion);
  const outcomes = createVersionedRows<Outcomes>(nextVersion);
  const devices = createVersionedRows<DeviceRecord>(nextVersion);
  const quarantined = createVersionedRows<QuarantineEntry>(nextVersion);
  const faults = new Map<string, FaultNote>();
  const sliceKey = (runId: RunId, sliceId: SliceId) => `${runId}/${sliceId}`;

  return {
    ...createMemoryRotations(nextVersion, rows),
    serverNowMs: () => clock.nowMs(),

    readCurrentRun: async () => current.get(''),
    writeCurrentRun: async (value, version) => current.write({ key: '', value, version }) !== undefined,

    createRun: async (run) => runs.write({ key: run.runId, value: run, version: undefined }) !== undefined,
    readRun: async (runId) => runs.get(runId),
    writeRun: async (run, version) => runs.write({ key: run.runId, value: run, version }),
    async *listRuns({ unfinished, evidenceDue }) {
      const all = runs.entries().map(([, { value }]) => value);
      yield* all
        .filter(({ state }) => !unfinished || (state !== 'completed' && state !== 'aborted'))
        .filter((run) => evidenceDue !== true || isEvidenceDue(run))
        .sort(newestFirst);
    },

    readSlice: async (runId, sliceId) => slices.get(sliceKey(runId, sliceId)),
    async writeSlices(runId, changes) {
      refuseMoreThanOneTransaction(changes.length, 'slices are written together');
      return slices.writeAll(
        changes.map(({ slice, version }) => ({ key: sliceKey(runId, slice.sliceId), value: slice, version })),
      );
    },
    async *listSlices(runId, { state, limit }) {
      const found = slices
        .entries()
        .filter(([key, row]) => key.startsWith(`${runId}/`) && (state === undefined || row.value.state === state));
      for (const [, row] of found.slice(0, limit)) yield row;
    },

    readOutcomes: async (runId) => outcomes.get(runId),
    writeOutcomes: async (runId, value, version) => outcomes.write({ key: runId, value, version }) !== undefined,

    async readDevices(ids) {
      const found = new Map<EntraDeviceId, NonNullable<ReturnType<typeof devices.get>>>();
      for (const id of ids) {
        const row = devices.get(id);
        if (row !== undefined) found.set(id, row);
      }
      return found;
    },
    async writeDevices(changes) {
      return changes
        .filter(
          ({ record, version }) => devices.write({ key: record.entraDeviceId, value: record, version }) === undefined,
        )
        .map(({ record }) => record.entraDeviceId);
    },
    async *devicePages() {
      const all = devices.entries().map(([, row]) => row);
      for (let from = 0; from < all.length; from += ROWS_PER_PAGE) yield all.slice(from, from + ROWS_PER_PAGE);
    },
    async devicesManagedAs(id, signal) {
      signal.throwIfAborted();
      return devices
        .entries()
        .map(([, { value }]) => value)
        .filter(({ managedDeviceId }) => managedDeviceId === id)
        .sort(lastAskedFirst);
    },

    async quarantine(entry) {
      quarantined.upsert(entry.id, fitted(entry));
      faults.delete(entry.id);
    },
    readQuarantine: async (id) => quarantined.get(id)?.value,
    async *listQuarantine() {
      for (const [, { value }] of quarantined.entries()) yield value;
    },
    async deleteQuarantine(id, atMs) {
      const entry = quarantined.get(id)?.value;
      if (entry?.atMs !== atMs) return;
      quarantined.delete(id);
      faults.delete(id);
    },
    async noteFault(id, note) {
      faults.set(id, fittedNote(note));
    },
    readFault: async (id) => faults.get(id),
    async forgetFault(id) {
      faults.delete(id);
    },
  };
}
