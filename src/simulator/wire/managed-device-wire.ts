/** Managed devices as JSON, property by property, so that a million can be listed cheaply. Layer: simulator. */
import { CANARY_PLANTED_IN_DATA } from '../canary-secrets.ts';
import type { DeviceProfile } from '../devices/device-profile.ts';

/** What a property is written from. */
export interface DeviceView {
  readonly profile: DeviceProfile;
  readonly lastSyncAtMs: number;
  /** JSON array; empty in lists, as Graph does. */
  readonly actionResults: string;
  readonly plantSecrets: boolean;
}

type Writer = (view: DeviceView) => string;
const text = (value: string): string => JSON.stringify(value);
const instant = (atMs: number): string => `"${new Date(atMs).toISOString()}"`;
const constant =
  (json: string): Writer =>
  () =>
    json;

/** Source: v1.0 metadata, type `managedDevice` (read 2026-11-22). Names and spelling are Graph's. */
const V1_WRITERS: Readonly<Record<string, Writer>> = {
  id: ({ profile }) => text(profile.managedDeviceId),
  userId: ({ profile }) => text(profile.userId),
  deviceName: ({ profile }) => text(profile.deviceName),
  managedDeviceOwnerType: ({ profile }) => text(profile.ownerType),
  enrolledDateTime: ({ profile }) => instant(profile.enrolledAtMs),
  lastSyncDateTime: ({ lastSyncAtMs }) => instant(lastSyncAtMs),
  operatingSystem: ({ profile }) => text(profile.operatingSystem),
  complianceState: ({ profile }) => text(profile.complianceState),
  jailBroken: constant('"Unknown"'),
  managementAgent: ({ profile }) => text(profile.managementAgent),
  managementState: ({ profile }) => text(profile.managementState),
  osVersion: ({ profile }) => text(profile.osVersion),
  easActivated: constant('true'),
  azureADRegistered: constant('true'),
  deviceEnrollmentType: ({ profile }) => text(profile.enrollmentType),
  emailAddress: ({ profile }) => text(profile.userPrincipalName),
  azureADDeviceId: ({ profile }) => text(profile.entraDeviceId),
  deviceRegistrationState: constant('"registered"'),
  deviceCategoryDisplayName: constant('"Unknown"'),
  isSupervised: constant('false'),
  isEncrypted: ({ profile }) => String(profile.isEncrypted),
  userPrincipalName: ({ profile }) => text(profile.userPrincipalName),
  model: ({ profile }) => text(profile.model),
  manufacturer: ({ profile }) => text(profile.manufacturer),
  imei: constant('""'),
  meid: constant('""'),
  serialNumber: ({ profile }) => text(profile.serialNumber),
  phoneNumber: constant('""'),
  androidSecurityPatchLevel: constant('""'),
  userDisplayName: ({ profile }) => text(profile.userDisplayName),
  wiFiMacAddress: constant('""'),
  ethernetMacAddress: constant('null'),
  managedDeviceName: ({ profile }) => text(`${profile.userPrincipalName}_${profile.operatingSystem}_${profile.index}`),
  partnerReportedThreatState: constant('"unknown"'),
  totalStorageSpaceInBytes: constant('511050776576'),
  freeStorageSpaceInBytes: constant('402653184000'),
  physicalMemoryInBytes: constant('0'),
  // People do write recovery passwords into notes.
  notes: ({ plantSecrets }) => (plantSecrets ? text(`recovery password ${CANARY_PLANTED_IN_DATA}`) : 'null'),
  deviceActionResults: ({ actionResults }) => actionResults,
};

/** Source: beta metadata, type `managedDevice` (read 2026-11-22): what beta adds, as far as it is simulated. */
const BETA_WRITERS: Readonly<Record<string, Writer>> = {
  ...V1_WRITERS,
  azureActiveDirectoryDeviceId: ({ profile }) => text(profile.entraDeviceId),
  ownerType: ({ profile }) => text(profile.ownerType),
  joinType: ({ profile }) =>
    profile.operatingSystem !== 'Windows'
      ? '"azureADRegistered"'
      : profile.enrollmentType === 'windowsCoManagement'
        ? '"hybridAzureADJoined"'
        : '"azureADJoined"',
};

/** Writes one device. */
export type DeviceWriter = (view: DeviceView) => string;

/** A writer for the selected properties, all by default; or the name of one that does not exist. */
export function deviceWriter(
  version: string,
  select: readonly string[] | undefined,
): DeviceWriter | { readonly unknown: string } {
  const known = version === 'beta' ? BETA_WRITERS : V1_WRITERS;
  const writers: { readonly key: string; readonly write: Writer }[] = [];
  for (const name of select ?? Object.keys(known)) {
    const write = known[name];
    if (write === undefined) return { unknown: name };
    writers.push({ key: `${writers.length === 0 ? '' : ','}"${name}":`, write });
  }
  return (view) => {
    let json = '{';
    for (const { key, write } of writers) json += key + write(view);
    return view.plantSecrets ? `${json},"recoveryPassword":"${CANARY_PLANTED_IN_DATA}"}` : `${json}}`;
  };
}
