/** Picks the devices of a long list of ids out of a listing of all, and says which were not in it. Pure. Layer: app. */
import type { EntraDeviceId, ManagedDeviceId } from '../../domain/ids.ts';
import type { ManagedDevice } from '../../domain/managed-device.ts';
import type { TargetAim } from '../../domain/targets.ts';
import type { Fleet } from './fleet.ts';

/** A target that names a device by one of its two ids. */
export type IdAim = Extract<TargetAim, { at: 'managedDevice' | 'entraDevice' }>;

/** True for a target that is one of the two ids. */
export function isIdAim(aim: TargetAim): aim is IdAim {
  return aim.at === 'managedDevice' || aim.at === 'entraDevice';
}

/** A long list of ids, against a listing of all devices. */
export interface ListedIds {
  isWanted(device: ManagedDevice): boolean;
  /** Why the listing, as a fleet, has no device for one of the ids, in words; `undefined` when it has. */
  whyMissing(fleet: Fleet): (aim: IdAim) => string | undefined;
}

/** For the ids of these targets. */
export function createListedIds(aims: readonly IdAim[]): ListedIds {
  const managed = new Set(aims.flatMap((aim) => (aim.at === 'managedDevice' ? [aim.managedDeviceId] : [])));
  const entra = new Set(aims.flatMap((aim) => (aim.at === 'entraDevice' ? [aim.entraDeviceId] : [])));
  return {
    isWanted: ({ managedDeviceId, entraDeviceId }) =>
      managed.has(managedDeviceId) || (entraDeviceId !== undefined && entra.has(entraDeviceId)),
    whyMissing(fleet) {
      const seen = new Set<ManagedDeviceId | EntraDeviceId | undefined>();
      for (let device = 0; device < fleet.size; device++)
        seen.add(fleet.managedDeviceId(device)).add(fleet.entraDeviceId(device));
      return (aim) =>
        aim.at === 'managedDevice'
          ? seen.has(aim.managedDeviceId)
            ? undefined
            : 'no such managed device'
          : seen.has(aim.entraDeviceId)
            ? undefined
            : 'no managed device has it';
    },
  };
}
