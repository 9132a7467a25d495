/** Every Graph URL, built by one typed function. The only module that knows which paths live under /beta. Layer: graph. */
import { assertNever } from '../domain/assert-never.ts';

/** The version segment of a Graph URL. */
export type GraphVersion = 'v1.0' | 'beta';

/** The seven forms of the rotation action. Source: Graph beta reference, rotateBitLockerKeys (read 2026-11-22). */
export type RotationRoute =
  | { readonly via: 'managedDevice'; readonly managedDeviceId: string }
  | { readonly via: 'comanagedDevice'; readonly managedDeviceId: string }
  | {
      readonly via: 'deviceHealthScript' | 'deviceManagementScript' | 'deviceComplianceScript';
      readonly scriptId: string;
      readonly deviceRunStateId: string;
    }
  | {
      readonly via: 'scriptUser';
      readonly scriptId: string;
      readonly deviceRunStateId: string;
      readonly userId: string;
      readonly managedDeviceId: string;
    }
  | {
      readonly via: 'scriptDetectedApp';
      readonly scriptId: string;
      readonly deviceRunStateId: string;
      readonly detectedAppId: string;
      readonly managedDeviceId: string;
    };

/** A resource and what is asked of it. */
export type Route =
  | { readonly to: 'windowsDevices' }
  | { readonly to: 'device'; readonly managedDeviceId: string }
  | { readonly to: 'devicesOf'; readonly entraDeviceId: string }
  | { readonly to: 'actionResults'; readonly managedDeviceId: string }
  | { readonly to: 'recoveryKeys' }
  | { readonly to: 'recoveryKeysOf'; readonly entraDeviceId: string }
  | { readonly to: 'encryptionState'; readonly managedDeviceId: string }
  | { readonly to: 'rotation'; readonly target: RotationRoute }
  | { readonly to: 'batch'; readonly version: GraphVersion };

/** `path` starts with a slash, follows the version segment, and holds the query. */
export interface RoutePath {
  readonly version: GraphVersion;
  readonly path: string;
}

/** Exactly what a plan reads of a device; the rest of the record is personal data we have no use for. */
const DEVICE_FIELDS =
  'id,azureADDeviceId,deviceName,operatingSystem,osVersion,isEncrypted,deviceEnrollmentType,managementAgent,managementState,lastSyncDateTime';

/** Metadata only: naming `key` here would disclose and audit every recovery password. */
const KEY_FIELDS = 'id,createdDateTime,deviceId,volumeType';

const DEVICES = '/deviceManagement/managedDevices';
const RECOVERY_KEYS = '/informationProtection/bitlocker/recoveryKeys';

/**
 * Version and path of a route. Ids are percent-encoded.
 * @throws {TypeError} when an id is empty or holds anything that could make it more than one path segment.
 */
export function routePath(route: Route): RoutePath {
  switch (route.to) {
    case 'windowsDevices':
      return v1(`${DEVICES}${query({ filter: "operatingSystem eq 'Windows'", select: DEVICE_FIELDS })}`);
    case 'device':
      return v1(`${DEVICES}/${segment(route.managedDeviceId)}${query({ select: DEVICE_FIELDS })}`);
    case 'devicesOf':
      return v1(
        `${DEVICES}${query({ filter: `azureADDeviceId eq ${literal(route.entraDeviceId)}`, select: DEVICE_FIELDS })}`,
      );
    case 'actionResults':
      return v1(`${DEVICES}/${segment(route.managedDeviceId)}${query({ select: 'id,deviceActionResults' })}`);
    case 'recoveryKeys':
      return v1(`${RECOVERY_KEYS}${query({ select: KEY_FIELDS })}`);
    case 'recoveryKeysOf':
      return v1(
        `${RECOVERY_KEYS}${query({ filter: `deviceId eq ${literal(route.entraDeviceId)}`, select: KEY_FIELDS })}`,
      );
    case 'encryptionState':
      return beta(`/deviceManagement/managedDeviceEncryptionStates/${segment(route.managedDeviceId)}`);
    case 'rotation':
      return beta(`/deviceManagement${rotationPath(route.target)}/rotateBitLockerKeys`);
    case 'batch':
      return { version: route.version, path: '/$batch' };
    default:
      return assertNever(route, 'route');
  }
}

/** The absolute URL of a route. `graphRoot` has no trailing slash. @throws {TypeError} as `routePath`. */
export function routeUrl(graphRoot: string, route: Route): string {
  const { version, path } = routePath(route);
  return `${graphRoot}/${version}${path}`;
}

function rotationPath(target: RotationRoute): string {
  switch (target.via) {
    case 'managedDevice':
      return `/managedDevices/${segment(target.managedDeviceId)}`;
    case 'comanagedDevice':
      return `/comanagedDevices/${segment(target.managedDeviceId)}`;
    case 'deviceHealthScript':
    case 'deviceManagementScript':
    case 'deviceComplianceScript':
      return runStatePath(`${target.via}s`, target);
    case 'scriptUser':
      return `${runStatePath('deviceManagementScripts', target)}/users/${segment(target.userId)}/managedDevices/${segment(target.managedDeviceId)}`;
    case 'scriptDetectedApp':
      return `${runStatePath('deviceManagementScripts', target)}/detectedApps/${segment(target.detectedAppId)}/managedDevices/${segment(target.managedDeviceId)}`;
    default:
      return assertNever(target, 'rotation route');
  }
}

function runStatePath(
  collection: string,
  target: { readonly scriptId: string; readonly deviceRunStateId: string },
): string {
  return `/${collection}/${segment(target.scriptId)}/deviceRunStates/${segment(target.deviceRunStateId)}/managedDevice`;
}

const v1 = (path: string): RoutePath => ({ version: 'v1.0', path });
const beta = (path: string): RoutePath => ({ version: 'beta', path });

/** Slashes and dots walk the path; `%` could be decoded twice; `?` and `#` end it; control characters end worse things. */
const UNSAFE = /[/\\?#%\p{Cc}]|^\.{1,2}$|^$/u;

function segment(id: string): string {
  if (UNSAFE.test(id) || !id.isWellFormed()) {
    throw new TypeError(
      `an id must be one path segment without / \\ ? # % or control characters, got ${JSON.stringify(id)}`,
    );
  }
  return encodeURIComponent(id);
}

/** An OData string literal: quotes are doubled. */
function literal(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

function query(options: { readonly filter?: string; readonly select: string }): string {
  const parts = options.filter === undefined ? [] : [`$filter=${encodeURIComponent(options.filter)}`];
  return `?${[...parts, `$select=${options.select}`].join('&')}`;
}
