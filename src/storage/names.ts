/** Names and keys in Azure Storage: the contract people query and script against. Layer: storage adapter. */
import type { EntraDeviceId, RunId, SliceId, TenantId } from '../domain/ids.ts';
import type { Rotation } from '../domain/rotation.ts';

/** The tables. Contract. */
export const TABLES = {
  runs: 'Runs',
  rotations: 'Rotations',
  devices: 'Devices',
  quarantine: 'Quarantine',
  budgets: 'Budgets',
} as const;

/** The queues that trigger functions. Contract. Each has a poison queue, see `poisonQueueOf`. */
export const QUEUES = {
  requests: 'rotation-requests',
  runs: 'rotation-runs',
  encryptionStates: 'encryption-states',
} as const;

/** The blob containers. Contract. */
export const CONTAINERS = { reports: 'reports', work: 'work' } as const;

/** Where the Functions host puts a message it gave up on. Source: Azure Queue trigger, "poison messages" (read 2026-11-22). */
export function poisonQueueOf(queue: string): string {
  return `${queue}-poison`;
}

/** Everything that belongs to one run: its rotations in `Rotations`, its slices and outcomes in `Runs`. */
export function runPartition(tenantId: TenantId, runId: RunId): string {
  return `${tenantId}_${runId}`;
}

/** Partition of the pointer to the current run, in `Runs`. */
export function currentPartition(tenantId: TenantId): string {
  return `${tenantId}_current`;
}

/** Partition of notes on deliveries that failed, in `Quarantine`: apart, so that it lists messages only. */
export function faultPartition(tenantId: TenantId): string {
  return `${tenantId}_faults`;
}

/** Row key of the pointer to the current run. */
export const CURRENT_ROW = 'current';
/** Row key of a run's outcomes. */
export const OUTCOMES_ROW = 'outcomes';
/** Row keys of slices start with this. */
export const SLICE_PREFIX = 'slice-';

/** Row key of a slice. */
export function sliceRow(sliceId: SliceId): string {
  return `${SLICE_PREFIX}${sliceId}`;
}

/** Orders have this many digits in keys, so that keys sort like numbers. Chosen: ten million devices to a run. */
const ORDER_DIGITS = 7;

/** The smallest row key of that order in `Rotations`; above the last order, a key after all of them. */
export function orderKey(order: number): string {
  const digits = String(order).padStart(ORDER_DIGITS, '0');
  // ':' follows '9', so it is greater than every key that starts with a digit.
  return digits.length > ORDER_DIGITS ? ':' : digits;
}

/** Row key of a rotation: its order and its device. @throws {RangeError} for an order of more than seven digits. */
export function rotationRow(rotation: Rotation): string {
  if (!(rotation.order >= 0 && rotation.order < 10 ** ORDER_DIGITS)) {
    throw new RangeError(`an order has at most ${ORDER_DIGITS} digits, got ${rotation.order}`);
  }
  return `${orderKey(rotation.order)}_${rotation.entraDeviceId ?? rotation.managedDeviceId}`;
}

/** Partition of a device's record. Sixteen shards, by the first hexadecimal digit of the id: chosen to spread load over partitions. */
export function devicePartition(tenantId: TenantId, id: EntraDeviceId): string {
  return `${tenantId}_${id.charAt(0)}`;
}

/** All partitions of the tenant's device records, ascending. */
export function devicePartitions(tenantId: TenantId): readonly string[] {
  return [...'0123456789abcdef'].map((digit) => `${tenantId}_${digit}`);
}

/**
 * `text` as a row key: letters, digits, `-`, `.` and `_` stay, every other UTF-16 unit becomes `=` and four hexadecimal digits.
 * Different texts have different keys. Row keys refuse `/`, `\`, `#`, `?` and control characters.
 * Source: Understanding the Table service data model, "Characters disallowed in key fields" (read 2026-11-22).
 */
export function rowKeyOf(text: string): string {
  return text.replace(/[^0-9A-Za-z._-]/g, (unit) =>
    unit
      .split('')
      .map((u) => `=${u.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}
