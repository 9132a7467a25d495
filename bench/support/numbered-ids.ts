/** GUIDs that carry a device's number, so that neither side has to remember whose they are. Layer: bench. */
import type { EntraDeviceId, ManagedDeviceId, RecoveryKeyId } from '../../src/domain/ids.ts';

const guid = (kind: number, index: number): string =>
  `0000000${kind}-0000-4000-8000-${index.toString(16).padStart(12, '0')}`;

/** The device's number, from any of its ids. */
export const numberOf = (id: string): number => Number.parseInt(id.slice(24), 16);

export const managedIdOf = (index: number): ManagedDeviceId => guid(1, index) as ManagedDeviceId;
export const entraIdOf = (index: number): EntraDeviceId => guid(2, index) as EntraDeviceId;
export const oldKeyIdOf = (index: number): RecoveryKeyId => guid(3, index) as RecoveryKeyId;
export const newKeyIdOf = (index: number): RecoveryKeyId => guid(4, index) as RecoveryKeyId;
