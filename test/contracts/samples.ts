/** Plain values of every kind the ledger keeps, for contract suites. */
import { randomUUID } from 'node:crypto';
import type { DeviceRecord } from '../../src/domain/device-record.ts';
import type { EntraDeviceId, ManagedDeviceId, RecoveryKeyId, RunId, TenantId } from '../../src/domain/ids.ts';
import type { Rotation } from '../../src/domain/rotation.ts';
import { type Run, type Slice, sliceIdOf } from '../../src/domain/run.ts';

export const newRunId = (): RunId => randomUUID() as RunId;
export const newEntraDeviceId = (): EntraDeviceId => randomUUID() as EntraDeviceId;
const newManagedDeviceId = (): ManagedDeviceId => randomUUID() as ManagedDeviceId;

const AT_MS = Date.UTC(2026, 10, 22, 10, 30, 0, 123);

export function sampleRun(changes: Partial<Run> = {}): Run {
  return {
    tenantId: randomUUID() as TenantId,
    runId: newRunId(),
    trigger: 'schedule',
    mode: 'live',
    state: 'planning',
    createdAtMs: AT_MS,
    seed: 0.123456789,
    checkpoint: 0,
    rowsWritten: 0,
    devices: 0,
    due: 0,
    notDue: 0,
    skipped: {},
    canaries: 0,
    nextOrder: 0,
    canaryPassed: false,
    ...changes,
  };
}

export function sampleSlice(firstOrder: number, changes: Partial<Slice> = {}): Slice {
  return {
    sliceId: sliceIdOf(firstOrder, 0),
    state: 'open',
    orders: [firstOrder, firstOrder + 1],
    canary: false,
    look: 0,
    dueAtMs: AT_MS,
    counts: { requested: 2 },
    skipped: {},
    ...changes,
  };
}

export function sampleRotation(order: number, changes: Partial<Rotation> = {}): Rotation {
  return {
    order,
    entraDeviceId: newEntraDeviceId(),
    managedDeviceId: newManagedDeviceId(),
    deviceName: `LAPTOP-${order}`,
    state: 'planned',
    attempt: 0,
    keyBeforeId: randomUUID() as RecoveryKeyId,
    keyBeforeAtMs: AT_MS,
    keyCount: 3,
    ...changes,
  };
}

export function sampleRotations(count: number): Rotation[] {
  return Array.from({ length: count }, (_, order) => sampleRotation(order));
}

export function sampleDevice(changes: Partial<DeviceRecord> = {}): DeviceRecord {
  return { entraDeviceId: newEntraDeviceId(), managedDeviceId: newManagedDeviceId(), ...changes };
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
