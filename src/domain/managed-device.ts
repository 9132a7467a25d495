/** A managed device as Intune lists it, reduced to what deciding needs. Layer: domain. */
import type { EntraDeviceId, ManagedDeviceId } from './ids.ts';

/** Fields of Graph's `managedDevice` (v1.0) that a plan reads. Enums are kept as the strings Graph sent, so unknown members survive. */
export interface ManagedDevice {
  readonly managedDeviceId: ManagedDeviceId;
  /** `undefined` when Intune has none (absent or the all-zero GUID). */
  readonly entraDeviceId: EntraDeviceId | undefined;
  readonly deviceName: string;
  readonly operatingSystem: string;
  /** Dotted version, such as `10.0.22631.4037`; empty when unknown. */
  readonly osVersion: string;
  readonly isEncrypted: boolean;
  /** `deviceEnrollmentType`, such as `windowsAzureADJoin`. */
  readonly enrollmentType: string;
  /** `managementAgent`, such as `mdm`. */
  readonly managementAgent: string;
  /** `managementState`, such as `managed`, `retirePending`; empty when Graph left it out. */
  readonly managementState: string;
  /** 0 when never. */
  readonly lastSyncAtMs: number;
}
