/** Finds devices by what people call them. Indexed when first asked, so that a tenant nobody asks by name keeps nothing. Layer: simulator. */
import type { Fleet } from './fleet.ts';

/** What people call a device by. None of them is unique: names repeat, and a person may have several devices. */
export type CalledBy = 'serialNumber' | 'deviceName' | 'userPrincipalName';

/** Indices of the devices with that value, in any letter case, lowest first. */
export type DeviceFinder = (property: CalledBy, value: string) => readonly number[];

/** Over profiles that never change; removed devices are found too. */
export function createDeviceFinder(fleet: Fleet): DeviceFinder {
  // Almost all values belong to one device; an array for each would take several times the memory.
  const indexes = new Map<CalledBy, ReadonlyMap<string, number | number[]>>();

  function indexBy(property: CalledBy): ReadonlyMap<string, number | number[]> {
    const index = new Map<string, number | number[]>();
    for (let i = 0; i < fleet.size; i += 1) {
      const value = fleet.profile(i)[property].toLowerCase();
      const known = index.get(value);
      if (known === undefined) index.set(value, i);
      else if (typeof known === 'number') index.set(value, [known, i]);
      else known.push(i);
    }
    return index;
  }

  return (property, value) => {
    let index = indexes.get(property);
    if (index === undefined) {
      index = indexBy(property);
      indexes.set(property, index);
    }
    const found = index.get(value.toLowerCase());
    if (found === undefined) return [];
    return typeof found === 'number' ? [found] : found;
  };
}
