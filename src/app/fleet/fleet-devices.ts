/** One device after the other of a fleet that was read, with what needs somebody. Layer: app. */
import type { DeviceStanding } from '../../domain/fleet/device-standing.ts';
import type { EntraDeviceId, ManagedDeviceId, RecoveryKeyId, RunId } from '../../domain/ids.ts';
import { hasKeyAge, type KeyAgeClass, keyAgeClass } from '../../domain/key-ages.ts';
import { KEY_COUNT_REFUSAL, KEY_COUNT_WARNING } from '../../domain/recovery-key.ts';
import type { RotationState, SkipReason } from '../../domain/rotation.ts';
import { scrub } from '../../domain/scrub.ts';
import type { FleetReading } from './read-fleet.ts';

/** What needs somebody, worst first. */
export const FLEET_NEEDS = [
  'rotatedWithoutKey',
  'neverAnswered',
  'atKeyLimit',
  'nearKeyLimit',
  'withoutKey',
  'pastMaxKeyAge',
] as const;
export type FleetNeed = (typeof FLEET_NEEDS)[number];

export interface FleetDevice {
  /** Scrubbed, like a log line's. */
  readonly deviceName: string;
  readonly managedDeviceId: ManagedDeviceId;
  readonly entraDeviceId?: EntraDeviceId;
  readonly newestKeyId?: RecoveryKeyId;
  readonly newestKeyAtMs?: number;
  /** Absent for what has no age: no device of its own. */
  readonly keyAge?: KeyAgeClass;
  /** Keys of all volumes. */
  readonly keyCount: number;
  readonly lastSyncAtMs: number;
  /** Why it cannot be asked, whatever its keys. */
  readonly ineligible?: SkipReason;
  /** Worst first. */
  readonly needs: readonly FleetNeed[];
  readonly isInProgress: boolean;
  readonly askedAtMs?: number;
  readonly lastState?: RotationState;
  readonly lastRunId?: RunId;
}

/** The device of that number. */
export function fleetDevice(reading: FleetReading, device: number): FleetDevice {
  const { fleet, asked, nowMs } = reading;
  const entraDeviceId = fleet.entraDeviceId(device);
  const newestKeyId = fleet.newestKeyId(device);
  const newestKeyAtMs = fleet.newestKeyAtMs(device);
  const ineligible = fleet.ineligible(device);
  const isOwn = hasKeyAge(ineligible);
  const askedAtMs = isOwn ? asked.askedAtMs(device) : undefined;
  const lastState = isOwn ? asked.lastState(device) : undefined;
  const lastRunId = isOwn ? asked.lastRunId(device) : undefined;
  return {
    deviceName: scrub(fleet.name(device)),
    managedDeviceId: fleet.managedDeviceId(device),
    ...(entraDeviceId === undefined ? {} : { entraDeviceId }),
    ...(newestKeyId === undefined || newestKeyAtMs === undefined ? {} : { newestKeyId, newestKeyAtMs }),
    ...(isOwn ? { keyAge: keyAgeClass(newestKeyAtMs, nowMs) } : {}),
    keyCount: fleet.keyCount(device),
    lastSyncAtMs: fleet.lastSyncAtMs(device),
    ...(ineligible === undefined ? {} : { ineligible }),
    needs: needsOf(reading, device),
    isInProgress: isOwn && asked.isInProgress(device),
    ...(askedAtMs === undefined ? {} : { askedAtMs }),
    ...(lastState === undefined ? {} : { lastState }),
    ...(lastRunId === undefined ? {} : { lastRunId }),
  };
}

/** Worst first. A second record of a device, and what is not Windows, needs nobody. */
export function needsOf({ fleet, asked, nowMs, maxKeyAgeMs }: FleetReading, device: number): readonly FleetNeed[] {
  if (!hasKeyAge(fleet.ineligible(device))) return [];
  const needs: FleetNeed[] = [];
  const standing: DeviceStanding | undefined = asked.standing(device);
  if (standing !== undefined) needs.push(standing);
  const keyCount = fleet.keyCount(device);
  if (keyCount >= KEY_COUNT_REFUSAL) needs.push('atKeyLimit');
  else if (keyCount >= KEY_COUNT_WARNING) needs.push('nearKeyLimit');
  const newestKeyAtMs = fleet.newestKeyAtMs(device);
  if (newestKeyAtMs === undefined) needs.push('withoutKey');
  else if (newestKeyAtMs < nowMs - maxKeyAgeMs) needs.push('pastMaxKeyAge');
  return needs;
}

/** How many devices need somebody. */
export function countInNeed(reading: FleetReading): number {
  let count = 0;
  for (let device = 0; device < reading.fleet.size; device++) if (needsOf(reading, device).length > 0) count += 1;
  return count;
}

/** Devices with that as the worst of their needs, worst first, at most `limit`. */
export function devicesInNeed(
  reading: FleetReading,
  needs: readonly FleetNeed[],
  limit: number,
): readonly FleetDevice[] {
  const found = new Map<FleetNeed, number[]>(needs.map((need) => [need, []]));
  for (let device = 0; device < reading.fleet.size; device++) {
    const [worst] = needsOf(reading, device);
    const group = worst === undefined ? undefined : found.get(worst);
    if (group !== undefined && group.length < limit) group.push(device);
  }
  const order = FLEET_NEEDS.flatMap((need) => found.get(need) ?? []);
  return order.slice(0, limit).map((device) => fleetDevice(reading, device));
}
