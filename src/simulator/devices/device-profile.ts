/** One simulated device as it was when the tenant was made: everything about it that no request changes. Layer: simulator. */
import type { Behaviour, DeviceKind } from './device-kind.ts';

export interface DeviceProfile {
  readonly index: number;
  readonly kind: DeviceKind;
  readonly behaviour: Behaviour;
  /** Index whose Entra device id and keys this record shares; its own, except for a second record of one device. */
  readonly owner: number;
  readonly managedDeviceId: string;
  /** All zeros when it has none. */
  readonly entraDeviceId: string;
  readonly deviceName: string;
  readonly serialNumber: string;
  readonly manufacturer: string;
  readonly model: string;
  readonly operatingSystem: string;
  readonly osVersion: string;
  readonly isEncrypted: boolean;
  readonly enrollmentType: string;
  readonly managementAgent: string;
  readonly managementState: string;
  readonly ownerType: 'company' | 'personal';
  readonly complianceState: string;
  readonly userId: string;
  readonly userPrincipalName: string;
  readonly userDisplayName: string;
  readonly enrolledAtMs: number;
  /** Last sync when the tenant was made. */
  readonly lastSyncAtMs: number;
  /** Syncs again this often, in unscaled ms; 0: never. */
  readonly syncEveryMs: number;
  /** Keys in escrow when the tenant was made, by volume. */
  readonly osKeys: number;
  readonly fixedKeys: number;
  readonly removableKeys: number;
  /** Newest OS-volume key; earlier ones are `keySpacingMs` apart. */
  readonly newestKeyAtMs: number;
  readonly keySpacingMs: number;
  /** With `fails`. */
  readonly errorCode: number;
  /** Unscaled delays between request and check-in, and between action and escrow; absent: seeded by kind. */
  readonly checkInDelayMs?: number;
  readonly escrowDelayMs?: number;
}

/** A device a test spells out. What it leaves open comes from the seed and the kind. Durations are unscaled: the tenant divides them by its speed. */
export interface DeviceSpec {
  /** Default `online`. */
  readonly kind?: DeviceKind;
  readonly name?: string;
  readonly managedDeviceId?: string;
  /** Give two specs the same id to make them two records of one device; the first is the owner of the keys. */
  readonly entraDeviceId?: string;
  readonly serialNumber?: string;
  readonly userPrincipalName?: string;
  readonly operatingSystem?: string;
  readonly osVersion?: string;
  readonly isEncrypted?: boolean;
  readonly enrollmentType?: string;
  readonly managementAgent?: string;
  readonly managementState?: string;
  /** Fixes the last sync at this long before the start, until a check-in. */
  readonly lastSyncAgoMs?: number;
  /** Age of the newest OS-volume key. */
  readonly keyAgeDays?: number;
  /** OS-volume keys in escrow; 0 for none. */
  readonly osKeys?: number;
  readonly fixedKeys?: number;
  readonly removableKeys?: number;
  /** From an accepted request to the check-in that obeys it. */
  readonly checkInDelayMs?: number;
  /** From the action's end to the key's appearance in escrow. */
  readonly escrowDelayMs?: number;
  readonly behaviour?: Behaviour;
  readonly errorCode?: number;
}

/** Graph's "none". */
export const ZERO_GUID = '00000000-0000-0000-0000-000000000000';
