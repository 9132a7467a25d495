/** The seeded details of one device: names, builds, users, ages. Pure functions of seed, index and kind. Layer: simulator. */
import { hash32, unitHash } from '../seeded-random.ts';
import type { DeviceIdentity } from './device-identity.ts';
import { behaviourOf, type DeviceKind } from './device-kind.ts';
import { type DeviceProfile, ZERO_GUID } from './device-profile.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const SITES = ['FRA', 'MUC', 'LON', 'NYC', 'SIN', 'SYD'] as const;
const FIRST = [
  'Anna',
  'Bela',
  'Chidi',
  'Dana',
  'Elif',
  'Femi',
  'Goran',
  'Hana',
  'Ines',
  'Jonas',
  'Kaya',
  'Liam',
] as const;
const LAST = ['Schmidt', 'Okafor', 'Novak', 'Tanaka', 'Moreau', 'Silva', 'Kaur', 'Berg', 'Rossi', 'Nguyen'] as const;
const HARDWARE = [
  ['Dell Inc.', 'Latitude 7440'],
  ['LENOVO', 'ThinkPad T14 Gen 4'],
  ['HP', 'EliteBook 840 G10'],
  ['Microsoft Corporation', 'Surface Laptop 5'],
] as const;
const BUILDS = [
  '10.0.26100.2314',
  '10.0.22631.4460',
  '10.0.22631.4037',
  '10.0.22621.4317',
  '10.0.19045.5131',
  '10.0.18363.1556',
] as const;
const OLD_BUILDS = ['10.0.17763.6532', '10.0.17134.2208', '10.0.15063.2679'] as const;
const ROTATING_ENROLLMENTS = [
  'windowsAzureADJoin',
  'windowsAzureADJoin',
  'windowsBulkAzureDomainJoin',
  'windowsAzureADJoinUsingDeviceAuth',
] as const;
const OTHER_ENROLLMENTS = [
  'userEnrollment',
  'windowsAutoEnrollment',
  'windowsBulkUserless',
  'deviceEnrollmentManager',
] as const;
const OTHER_PLATFORMS = [
  ['macOS', '14.6.1 (23G93)', 'Apple', 'MacBookPro18,3'],
  ['iOS', '18.1', 'Apple', 'iPhone 14'],
  ['Android', '14', 'samsung', 'SM-S911B'],
] as const;
/** 0x87D1FDE8 and 0x87D101F4. Chosen: HRESULTs as Intune reports them, negative as an Int32; nothing depends on their meaning. */
const MDM_ERRORS = [-2_016_281_112, -2_016_345_612] as const;
/** 0x80310001. Chosen: an HRESULT of the BitLocker facility; nothing depends on its meaning. */
const NOT_ENCRYPTED_ERROR = -2_144_272_383;

/** Salts of the hash, one per question, so that answers do not depend on each other. */
const SALT = {
  name: 1,
  site: 2,
  user: 3,
  hardware: 4,
  build: 5,
  enrollment: 6,
  sync: 7,
  keyAge: 8,
  keys: 9,
  enrolled: 10,
  error: 11,
};

/** Seeds one device of the kind. `startMs`: when the tenant was made. */
export function seededProfile(
  seed: number,
  identity: DeviceIdentity,
  index: number,
  kind: DeviceKind,
  startMs: number,
  fleet: 'mixed' | 'healthy',
): DeviceProfile {
  const unit = (salt: number): number => unitHash(seed, index, salt);
  const between = (salt: number, low: number, high: number): number => Math.floor(low + unit(salt) * (high - low));
  const one = <T>(salt: number, list: readonly T[]): T => list[hash32(seed, index, salt) % list.length] as T;

  const platform = kind === 'otherPlatform' ? one(SALT.hardware, OTHER_PLATFORMS) : undefined;
  const hardware = one(SALT.hardware, HARDWARE);
  // Some people have two devices.
  const user = index % 7 === 6 ? index - 1 : index;
  const first = FIRST[hash32(seed, user, SALT.user) % FIRST.length] as string;
  const last = LAST[hash32(seed, user, SALT.user + 100) % LAST.length] as string;
  const scrambled = identity.scrambled(index).toString(36).toUpperCase().padStart(7, '0');
  const osKeys = osKeyCount(kind, hash32(seed, index, SALT.keys));
  const lastSyncAtMs = startMs - lastSyncAgoMs(kind, unit(SALT.sync));
  const newestKeyAtMs = startMs - keyAgeMs(kind, fleet, unit(SALT.keyAge));
  const several = kind === 'severalVolumes';

  return {
    index,
    kind,
    behaviour: behaviourOf(kind),
    owner: index,
    managedDeviceId: identity.managedDeviceId(index),
    entraDeviceId: kind === 'noEntraId' ? ZERO_GUID : identity.entraDeviceId(index),
    deviceName:
      platform !== undefined
        ? `${platform[0].toUpperCase()}-${scrambled}`
        : unit(SALT.name) < 0.5
          ? `DESKTOP-${scrambled}`
          : `LT-${one(SALT.site, SITES)}-${String(index).padStart(5, '0')}`,
    serialNumber: `SN${scrambled}${String(index % 100).padStart(2, '0')}`,
    manufacturer: platform?.[2] ?? hardware[0],
    model: platform?.[3] ?? hardware[1],
    operatingSystem: platform?.[0] ?? 'Windows',
    osVersion: platform?.[1] ?? one(SALT.build, kind === 'osTooOld' ? OLD_BUILDS : BUILDS),
    isEncrypted: kind !== 'notEncrypted',
    enrollmentType:
      platform !== undefined
        ? 'deviceEnrollmentManager'
        : kind === 'coManaged'
          ? 'windowsCoManagement'
          : one(SALT.enrollment, kind === 'enrollmentUnsupported' ? OTHER_ENROLLMENTS : ROTATING_ENROLLMENTS),
    managementAgent:
      kind === 'coManaged' ? 'configurationManagerClientMdm' : kind === 'agentUnsupported' ? 'msSense' : 'mdm',
    managementState: kind === 'retirePending' ? 'retirePending' : 'managed',
    ownerType: kind === 'enrollmentUnsupported' ? 'personal' : 'company',
    complianceState: kind === 'notEncrypted' ? 'noncompliant' : 'compliant',
    userId: identity.userId(user),
    userPrincipalName: `${first}.${last}${user}@contoso.example`.toLowerCase(),
    userDisplayName: `${first} ${last}`,
    enrolledAtMs: startMs - between(SALT.enrolled, 450, 1400) * DAY,
    lastSyncAtMs,
    syncEveryMs: syncEveryMs(kind),
    osKeys,
    fixedKeys: several ? 2 : 0,
    removableKeys: several ? 1 : 0,
    newestKeyAtMs,
    // Two hundred keys do not fit into any device's life at the usual pace.
    keySpacingMs: osKeys > 20 ? 3 * DAY : 120 * DAY,
    errorCode: kind === 'notEncrypted' ? NOT_ENCRYPTED_ERROR : one(SALT.error, MDM_ERRORS),
  };
}

function osKeyCount(kind: DeviceKind, random: number): number {
  if (kind === 'noKey' || kind === 'notEncrypted' || kind === 'otherPlatform' || kind === 'noEntraId') return 0;
  if (kind === 'keyCap') return 200;
  if (kind === 'nearKeyCap') return 180 + (random % 14);
  return 1 + (random % 3);
}

function lastSyncAgoMs(kind: DeviceKind, u: number): number {
  if (kind === 'notSeen') return (20 + u * 180) * DAY;
  if (kind === 'offline') return (1.1 + u * 8) * DAY;
  if (kind === 'duplicateRecord') return (3 + u * 8) * DAY;
  return u * syncEveryMs(kind);
}

/** Intune devices check in about every 8 hours; a sleeping one when it wakes. */
function syncEveryMs(kind: DeviceKind): number {
  if (kind === 'offline' || kind === 'notSeen' || kind === 'duplicateRecord' || kind === 'gone') return 0;
  return (kind === 'asleep' ? 20 : 8) * HOUR;
}

/** Only devices that would rotate may have a key that is not due yet, so that the broken ones are met. */
function keyAgeMs(kind: DeviceKind, fleet: 'mixed' | 'healthy', u: number): number {
  if (kind === 'keyYoung') return (0.2 + u * 6) * DAY;
  const mayBeFresh = fleet === 'mixed' && behaviourOf(kind) === 'rotates';
  return (mayBeFresh ? 30 + u * 370 : 91 + u * 309) * DAY;
}

/**
 * How long a device of the kind takes to obey an accepted request, unscaled. Intune pushes a notification, so those that are on answer
 * mostly within an hour or two, the others at their next check-in.
 */
export function seededCheckInDelayMs(
  seed: number,
  profile: DeviceProfile,
  request: number,
  fleet: 'mixed' | 'healthy',
): number {
  const u = unitHash(seed, profile.index, 200 + request * 2);
  const which = unitHash(seed, profile.index, 201 + request * 2);
  const between = (low: number, high: number): number => low + u * (high - low);
  if (fleet === 'healthy') return between(0.02 * HOUR, 0.4 * HOUR);
  if (profile.kind === 'asleep') return between(8 * HOUR, 20 * HOUR);
  if (which < 0.45) return between(0.02 * HOUR, HOUR);
  if (which < 0.75) return between(HOUR, 3 * HOUR);
  return between(3 * HOUR, 8 * HOUR);
}
