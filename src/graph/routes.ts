/** Every Graph URL, built by one typed function. The only module that knows which paths live under /beta. Layer: graph. */
import { assertNever } from '../domain/assert-never.ts';
import { isPathSegment, type RotationRoute, type ScriptKind } from '../domain/targets.ts';
import type { DeviceNaming } from '../domain/tenant.ts';

/** The version segment of a Graph URL. */
export type GraphVersion = 'v1.0' | 'beta';

/** A resource and what is asked of it. */
export type Route =
  | { readonly to: 'windowsDevices' }
  | { readonly to: 'device'; readonly managedDeviceId: string }
  | { readonly to: 'devicesOf'; readonly entraDeviceId: string }
  | { readonly to: 'comanagedDevice'; readonly managedDeviceId: string }
  | { readonly to: 'devicesNamed'; readonly by: DeviceNaming; readonly value: string }
  | { readonly to: 'runStates'; readonly kind: ScriptKind; readonly scriptId: string }
  | { readonly to: 'runState'; readonly kind: ScriptKind; readonly scriptId: string; readonly deviceRunStateId: string }
  | { readonly to: 'actionResults'; readonly managedDeviceId: string }
  | { readonly to: 'recoveryKeys' }
  | { readonly to: 'recoveryKeysOf'; readonly entraDeviceId: string }
  | { readonly to: 'encryptionState'; readonly managedDeviceId: string }
  | { readonly to: 'encryptionStates' }
  | { readonly to: 'rotation'; readonly target: RotationRoute }
  | { readonly to: 'escrowAdd'; readonly userId: string }
  | { readonly to: 'escrowUpdate' }
  | { readonly to: 'servicePrincipal'; readonly id: string }
  | { readonly to: 'servicePrincipalOf'; readonly appId: string; readonly fields: 'identity' | 'appRoles' }
  | { readonly to: 'roleAssignments'; readonly principalId: string }
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
const ENCRYPTION_STATES = '/deviceManagement/managedDeviceEncryptionStates';
const RECOVERY_KEYS = '/informationProtection/bitlocker/recoveryKeys';
const SERVICE_PRINCIPALS = '/servicePrincipals';
/** Who a service principal is, or what it offers. */
const PRINCIPAL_FIELDS = { identity: 'id,appId,displayName,servicePrincipalType', appRoles: 'id,appRoles' } as const;

/** With the device each state is about; `managedDevice` is a relationship. Source: beta metadata, `device…ScriptDeviceState` (read 2026-11-22). */
const WITH_DEVICE = `?$expand=managedDevice($select=${DEVICE_FIELDS})`;

/**
 * Version and path of a route. Ids are percent-encoded.
 * @throws {TypeError} when an id is empty or holds anything that could make it more than one path segment, or a value is no Unicode text.
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
    case 'comanagedDevice':
      return beta(
        `/deviceManagement/comanagedDevices/${segment(route.managedDeviceId)}${query({ select: DEVICE_FIELDS })}`,
      );
    case 'devicesNamed':
      return v1(
        `${DEVICES}${query({ filter: `operatingSystem eq 'Windows' and ${route.by} eq ${literal(route.value)}`, select: DEVICE_FIELDS })}`,
      );
    case 'runStates':
      return beta(`/deviceManagement${runStatesPath(`${route.kind}s`, route.scriptId)}${WITH_DEVICE}`);
    case 'runState':
      return beta(`/deviceManagement${runStatePath(`${route.kind}s`, route)}${WITH_DEVICE}`);
    case 'actionResults':
      return v1(`${DEVICES}/${segment(route.managedDeviceId)}${query({ select: 'id,deviceActionResults' })}`);
    case 'recoveryKeys':
      return v1(`${RECOVERY_KEYS}${query({ select: KEY_FIELDS })}`);
    case 'recoveryKeysOf':
      return v1(
        `${RECOVERY_KEYS}${query({ filter: `deviceId eq ${literal(route.entraDeviceId)}`, select: KEY_FIELDS })}`,
      );
    case 'encryptionState':
      return beta(`${ENCRYPTION_STATES}/${segment(route.managedDeviceId)}`);
    case 'encryptionStates':
      return beta(ENCRYPTION_STATES);
    case 'rotation':
      return beta(`/deviceManagement${rotationPath(route.target)}/rotateBitLockerKeys`);
    case 'escrowAdd':
      return v1(`/users/${segment(route.userId)}${RECOVERY_KEYS}`);
    case 'escrowUpdate':
      return beta('/bitlocker/recoveryKeys');
    case 'servicePrincipal':
      return v1(`${SERVICE_PRINCIPALS}/${segment(route.id)}${query({ select: PRINCIPAL_FIELDS.identity })}`);
    case 'servicePrincipalOf':
      return v1(
        `${SERVICE_PRINCIPALS}(appId=${segment(literal(route.appId))})${query({ select: PRINCIPAL_FIELDS[route.fields] })}`,
      );
    case 'roleAssignments':
      return v1(`${SERVICE_PRINCIPALS}/${segment(route.principalId)}/appRoleAssignments`);
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
      return `${runStatePath(`${target.via}s`, target)}/managedDevice`;
    case 'scriptUser':
      return `${runStatePath('deviceManagementScripts', target)}/managedDevice/users/${segment(target.userId)}/managedDevices/${segment(target.managedDeviceId)}`;
    case 'scriptDetectedApp':
      return `${runStatePath('deviceManagementScripts', target)}/managedDevice/detectedApps/${segment(target.detectedAppId)}/managedDevices/${segment(target.managedDeviceId)}`;
    default:
      return assertNever(target, 'rotation route');
  }
}

function runStatePath(
  collection: string,
  target: { readonly scriptId: string; readonly deviceRunStateId: string },
): string {
  return `${runStatesPath(collection, target.scriptId)}/${segment(target.deviceRunStateId)}`;
}

function runStatesPath(collection: string, scriptId: string): string {
  return `/${collection}/${segment(scriptId)}/deviceRunStates`;
}

const v1 = (path: string): RoutePath => ({ version: 'v1.0', path });
const beta = (path: string): RoutePath => ({ version: 'beta', path });

function segment(id: string): string {
  if (!isPathSegment(id)) {
    throw new TypeError(
      `an id must be one path segment without / \\ ? # % or control characters, got ${JSON.stringify(id)}`,
    );
  }
  return encodeURIComponent(id);
}

/** An OData string literal: quotes are doubled. */
function literal(value: string): string {
  if (!value.isWellFormed()) throw new TypeError(`a value must be Unicode text, got ${JSON.stringify(value)}`);
  return `'${value.replaceAll("'", "''")}'`;
}

function query(options: { readonly filter?: string; readonly select: string }): string {
  const parts = options.filter === undefined ? [] : [`$filter=${encodeURIComponent(options.filter)}`];
  return `?${[...parts, `$select=${options.select}`].join('&')}`;
}
