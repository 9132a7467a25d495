/** A ledger for one run of numbered devices whose rows are on disk: planned rows need not be written, and nothing grows in memory. Layer: bench. */
import type { DeviceRecord } from '../../src/domain/device-record.ts';
import type { EntraDeviceId, RunId, SliceId } from '../../src/domain/ids.ts';
import type { Ledger, Versioned } from '../../src/domain/ledger.ts';
import type { Clock } from '../../src/domain/ports.ts';
import type { Rotation } from '../../src/domain/rotation.ts';
import type { Slice } from '../../src/domain/run.ts';
import { createMemoryLedger } from '../../src/storage/memory/memory-ledger.ts';
import { entraIdOf, managedIdOf, numberOf, oldKeyIdOf } from './numbered-ids.ts';
import { createRowFile } from './row-file.ts';

export interface DiskLedgerOptions {
  readonly clock: Clock;
  readonly devices: number;
  /** When the devices' keys were made. */
  readonly keysMadeAtMs: number;
}

export interface DiskLedger extends Ledger {
  /** Deletes the files. */
  remove(): void;
}

const STATES: readonly (Slice['state'] | undefined)[] = [undefined, 'again', 'open', 'closed'];
const firstOrderOf = (sliceId: SliceId): number => Number(sliceId.slice(0, sliceId.indexOf('-')));

/** Every device is planned, in the order of its number. */
export function createDiskLedger({ clock, devices, keysMadeAtMs }: DiskLedgerOptions): DiskLedger {
  const rotations = createRowFile<Rotation>((order) => ({
    order,
    entraDeviceId: entraIdOf(order),
    managedDeviceId: managedIdOf(order),
    deviceName: `LT-BENCH-${order}`,
    state: 'planned',
    attempt: 0,
    keyBeforeId: oldKeyIdOf(order),
    keyBeforeAtMs: keysMadeAtMs,
    keyCount: 3,
  }));
  const records = createRowFile<DeviceRecord>();
  const slices = createRowFile<Slice>();
  /** One byte for each possible slice, so that a filter need not read them all. */
  const stateOfSlice = new Uint8Array(devices);

  function rowsAt(orders: Iterable<number>): Versioned<Rotation>[] {
    const rows: Versioned<Rotation>[] = [];
    for (const order of orders) {
      const row = rotations.read(order);
      if (row !== undefined) rows.push(row);
    }
    return rows;
  }

  function* range(from: number, to: number): Generator<number> {
    for (let order = from; order < Math.min(to, devices); order++) yield order;
  }

  return {
    ...createMemoryLedger({ clock }),

    readRotations: async (_runId, from, to) => rowsAt(range(from, to)),
    readRotationsAt: async (_runId, orders) => rowsAt([...orders].sort((a, b) => a - b)),
    async *rotationPages(_runId, rowsPerPage = 1_000) {
      for (let from = 0; from < devices; from += rowsPerPage)
        yield rowsAt(range(from, from + rowsPerPage)).map(({ value }) => value);
    },
    async rotationsOf(_runId, ids) {
      const sought = new Set<string | undefined>(ids);
      return rowsAt(range(0, devices))
        .map(({ value }) => value)
        .filter(({ entraDeviceId, managedDeviceId }) => sought.has(managedDeviceId) || sought.has(entraDeviceId));
    },
    writeRotations: async (_runId, changes) =>
      changes
        .filter(({ value, version }) => !rotations.write(value.order, value, version))
        .map((row) => row.value.order),

    async readDevices(ids) {
      const found = new Map<EntraDeviceId, Versioned<DeviceRecord>>();
      for (const id of ids) {
        const row = records.read(numberOf(id));
        if (row !== undefined) found.set(id, row);
      }
      return found;
    },
    writeDevices: async (changes) =>
      changes
        .filter(({ record, version }) => !records.write(numberOf(record.entraDeviceId), record, version))
        .map(({ record }) => record.entraDeviceId),

    readSlice: async (_runId: RunId, sliceId: SliceId) => slices.read(firstOrderOf(sliceId)),
    async writeSlices(_runId, changes) {
      if (changes.some(({ slice, version }) => slices.read(firstOrderOf(slice.sliceId))?.version !== version))
        return false;
      for (const { slice, version } of changes) {
        slices.write(firstOrderOf(slice.sliceId), slice, version);
        stateOfSlice[firstOrderOf(slice.sliceId)] = STATES.indexOf(slice.state);
      }
      return true;
    },
    async *listSlices(_runId, { state }) {
      for (const [order, code] of stateOfSlice.entries()) {
        if (code === 0 || (state !== undefined && STATES[code] !== state)) continue;
        const row = slices.read(order);
        if (row !== undefined) yield row;
      }
    },

    remove() {
      for (const file of [rotations, records, slices]) file.close();
    },
  };
}
