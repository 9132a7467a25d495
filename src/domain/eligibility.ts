/** Which managed devices can rotate at all, before their keys are known. Pure. Layer: domain. */
import type { ManagedDevice } from './managed-device.ts';
import type { SkipReason } from './rotation.ts';

/**
 * Client-driven recovery password rotation needs Windows 10 1909.
 * Source: Intune documentation, "Rotate BitLocker recovery keys", prerequisites (read 2026-11-22).
 */
const MINIMUM_BUILD = [10, 0, 18363] as const;

/**
 * Entra joined and hybrid joined enrolments. `joinType` is on beta only, so the enrolment type decides.
 * Source: v1.0 metadata, enum `deviceEnrollmentType`; behaviour observed (2026).
 */
const ROTATING_ENROLLMENT_TYPES: ReadonlySet<string> = new Set([
  'windowsAzureADJoin',
  'windowsBulkAzureDomainJoin',
  'windowsAzureADJoinUsingDeviceAuth',
  'windowsCoManagement',
]);

/**
 * Retire, wipe and delete cancel other pending actions; a discovered device is not enrolled yet.
 * Source: v1.0 metadata, enum `managementState` (read 2026-11-22).
 */
const LEAVING_STATES: ReadonlySet<string> = new Set([
  'retirePending',
  'retireIssued',
  'wipePending',
  'wipeIssued',
  'deletePending',
  'discovered',
]);

/** What eligibility is decided against. */
export interface EligibilityRules {
  readonly nowMs: number;
  readonly seenWithinMs: number;
  /** True for a device the settings exclude. */
  readonly isExcluded: (device: ManagedDevice) => boolean;
}

/** Reasons that keep a device from being asked, whatever its keys and claim; of two records of one device, the older is one. */
const INELIGIBLE: ReadonlySet<SkipReason> = new Set([
  'notWindows',
  'excluded',
  'noEntraDeviceId',
  'notManaged',
  'enrollmentTypeUnsupported',
  'osTooOld',
  'notEncrypted',
  'notSeenRecently',
  'duplicateRecord',
]);

/** How many of a plan's devices can be asked: all but those skipped whatever their keys. The same figure everywhere. */
export function countEligible(devices: number, skipped: Readonly<Partial<Record<SkipReason, number>>>): number {
  let count = devices;
  for (const [reason, n] of Object.entries(skipped) as [SkipReason, number][]) if (INELIGIBLE.has(reason)) count -= n;
  return count;
}

/** True for 10.0.18363 and later; an unreadable version is not. */
export function isRotatingBuild(osVersion: string): boolean {
  const parts = osVersion.split('.').map((part) => Number.parseInt(part, 10));
  for (const [i, minimum] of MINIMUM_BUILD.entries()) {
    const part = parts[i] ?? Number.NaN;
    if (Number.isNaN(part) || part < minimum) return false;
    if (part > minimum) return true;
  }
  return true;
}

/** The first reason why the device cannot be asked, or `undefined` when only its keys and claim are left to decide. */
export function ineligibleBecause(device: ManagedDevice, rules: EligibilityRules): SkipReason | undefined {
  if (!device.operatingSystem.toLowerCase().startsWith('windows')) return 'notWindows';
  if (rules.isExcluded(device)) return 'excluded';
  if (device.entraDeviceId === undefined) return 'noEntraDeviceId';
  if (LEAVING_STATES.has(device.managementState)) return 'notManaged';
  if (!isMdm(device.managementAgent)) return 'notManaged';
  if (!ROTATING_ENROLLMENT_TYPES.has(device.enrollmentType)) return 'enrollmentTypeUnsupported';
  if (!isRotatingBuild(device.osVersion)) return 'osTooOld';
  if (!device.isEncrypted) return 'notEncrypted';
  if (device.lastSyncAtMs < rules.nowMs - rules.seenWithinMs) return 'notSeenRecently';
  return undefined;
}

/**
 * Rotation travels over MDM. Source: v1.0 metadata, enum `managementAgentType` (read 2026-11-22): the members whose name holds "mdm",
 * in any letter case. An empty agent (Graph left it out) is given the benefit of the doubt.
 */
function isMdm(managementAgent: string): boolean {
  return managementAgent === '' || managementAgent.toLowerCase().includes('mdm');
}
