/** Reads the devices a targeted run names, as the fleet of that run. Layer: app. */
import type { EligibilityRules } from '../../domain/eligibility.ts';
import type { EntraDeviceId, ManagedDeviceId } from '../../domain/ids.ts';
import type { ManagedDevice } from '../../domain/managed-device.ts';
import { isPassingStatus } from '../../domain/observe.ts';
import type { CallOptions, Reading } from '../../domain/ports.ts';
import type { RotationTarget } from '../../domain/targets.ts';
import type { Deps } from '../deps.ts';
import { encodeDevices } from './device-records.ts';
import { createFleet, type Fleet } from './fleet.ts';
import { encodeKeys } from './key-records.ts';

export interface TargetFleet {
  readonly fleet: Fleet;
  /** Targets that named no device, in words. */
  readonly unresolved: readonly string[];
}

/** A device that could not be read for now: try again later. */
export class TargetUnreadableError extends Error {
  override readonly name = 'TargetUnreadableError';
}

/** @throws {GraphError} @throws {TargetUnreadableError} */
export async function readTargets(
  deps: Deps,
  targets: readonly RotationTarget[],
  rules: EligibilityRules,
  options: CallOptions,
  isLastTry: boolean,
): Promise<TargetFleet> {
  const { managedIds, entraIds } = idsOf(targets);
  const unresolved: string[] = [];
  const devices: ManagedDevice[] = [];
  for (const [id, reading] of await deps.tenant.managedDevices([...managedIds], options)) {
    const device = readable(id, reading, isLastTry);
    if (device === undefined) unresolved.push(`managedDeviceId ${id}: ${whyNot(reading, 'no such managed device')}`);
    else devices.push(device);
  }
  for (const [id, reading] of await deps.tenant.managedDevicesOf([...entraIds], options)) {
    const found = readable(id, reading, isLastTry) ?? [];
    if (found.length === 0) unresolved.push(`entraDeviceId ${id}: ${whyNot(reading, 'no managed device has it')}`);
    devices.push(...found);
  }

  const keyed = devices.map((device) => device.entraDeviceId).filter((id) => id !== undefined);
  const keys = await deps.tenant.recoveryKeys([...new Set(keyed)], options);
  // Without its keys nobody can tell what would prove a rotation: such a device is not asked.
  const asked = devices.filter(({ entraDeviceId }) => {
    const reading = entraDeviceId === undefined ? undefined : keys.get(entraDeviceId);
    if (reading?.kind !== 'unreadable') return true;
    readable(entraDeviceId ?? '', reading, isLastTry);
    unresolved.push(`entraDeviceId ${entraDeviceId}: its recovery keys cannot be listed (status ${reading.status})`);
    return false;
  });
  const fleet = createFleet([
    { header: { count: asked.length, startedAtMs: rules.nowMs }, body: encodeDevices(asked, rules) },
  ]);
  for (const reading of keys.values()) {
    if (reading.kind !== 'found') continue;
    fleet.addKeys({
      header: { count: reading.value.length, startedAtMs: rules.nowMs },
      body: encodeKeys(reading.value),
    });
  }
  return { fleet, unresolved };
}

/** What goes on not being readable is no device of this run. @throws {TargetUnreadableError} for what may pass. */
function readable<T>(id: string, reading: Reading<T>, isLastTry: boolean): T | undefined {
  switch (reading.kind) {
    case 'found':
      return reading.value;
    case 'gone':
      return undefined;
    case 'unreadable':
      if (isLastTry || !isPassingStatus(reading.status)) return undefined;
      throw new TargetUnreadableError(`Graph could not say anything of device ${id} (status ${reading.status})`);
  }
}

function whyNot(reading: Reading<unknown>, otherwise: string): string {
  return reading.kind === 'unreadable' ? `Graph cannot read it (status ${reading.status})` : otherwise;
}

/** Picks the named devices out of a listing of all. */
export function createTargetFilter(targets: readonly RotationTarget[]): (device: ManagedDevice) => boolean {
  const { managedIds, entraIds } = idsOf(targets);
  return ({ managedDeviceId, entraDeviceId }) =>
    managedIds.has(managedDeviceId) || (entraDeviceId !== undefined && entraIds.has(entraDeviceId));
}

/** The targets that a listing did not hold, in words. */
export function missingTargets(targets: readonly RotationTarget[], fleet: Fleet): readonly string[] {
  const { managedIds, entraIds } = idsOf(targets);
  for (let device = 0; device < fleet.size; device++) {
    managedIds.delete(fleet.managedDeviceId(device));
    const entraId = fleet.entraDeviceId(device);
    if (entraId !== undefined) entraIds.delete(entraId);
  }
  return [
    ...[...managedIds].map((id) => `managedDeviceId ${id}: no such managed device`),
    ...[...entraIds].map((id) => `entraDeviceId ${id}: no managed device has it`),
  ];
}

function idsOf(targets: readonly RotationTarget[]) {
  const managedIds = new Set<ManagedDeviceId>();
  const entraIds = new Set<EntraDeviceId>();
  for (const target of targets) {
    if ('managedDeviceId' in target) managedIds.add(target.managedDeviceId);
    else entraIds.add(target.entraDeviceId);
  }
  return { managedIds, entraIds };
}
