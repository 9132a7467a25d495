/** Which endpoint a method, version and path mean, what it counts as, and which roles it needs. Layer: simulator. */
import { unescape as decoded } from 'node:querystring';
import type { ThrottleClass } from '../throttling/throttle.ts';

export type Endpoint =
  | 'listDevices'
  | 'getDevice'
  | 'listComanagedDevices'
  | 'getComanagedDevice'
  | 'rotate'
  | 'listStates'
  | 'getState'
  | 'createState'
  | 'listActionAudits'
  | 'listKeys'
  | 'getKey'
  | 'listDirectoryAudits'
  | 'batch';

export interface Route {
  readonly endpoint: Endpoint;
  readonly list: boolean;
  readonly classes: readonly ThrottleClass[];
  /** Any one of these app roles suffices. */
  readonly roles: readonly string[];
  /** The ids in the path, in order. */
  readonly ids: readonly string[];
  /** With `rotate`: which of the seven forms. */
  readonly form?: RotateForm;
}

/** `byManagedDevice` and `byComanagedDevice` name the device; the others lead to it from a script's run state. */
export type RotateForm = 'byManagedDevice' | 'byComanagedDevice' | 'byRunState' | 'byRunStateAndDevice';

/** Nothing there, or not in this version. */
export interface NoRoute {
  readonly status: 400 | 404 | 405;
  readonly segment: string;
  /** It exists in the other version: version mixed up. */
  readonly otherVersion: boolean;
}

interface Rule {
  readonly method: string;
  readonly path: RegExp;
  readonly endpoint: Endpoint;
  readonly versions: readonly string[];
  readonly classes: readonly ThrottleClass[];
  readonly roles: readonly string[];
  readonly form?: RotateForm;
}

const BOTH = ['v1.0', 'beta'];
const BETA = ['beta'];
const READ_DEVICES = ['DeviceManagementManagedDevices.Read.All', 'DeviceManagementManagedDevices.ReadWrite.All'];
const READ_CONFIGURATION = ['DeviceManagementConfiguration.Read.All', 'DeviceManagementConfiguration.ReadWrite.All'];
/** Source: reference page of the action, "One of the following permissions is required" (read 2026-11-22). */
const ROTATE = ['DeviceManagementManagedDevices.ReadWrite.All', 'DeviceManagementConfiguration.ReadWrite.All'];
const READ_KEYS = ['BitlockerKey.ReadBasic.All', 'BitlockerKey.Read.All'];

const ID = '([^/]+)';
const DM = '/deviceManagement';
const RUN_STATE = `deviceRunStates/${ID}/managedDevice`;

function rule(method: string, path: string, rest: Omit<Rule, 'method' | 'path'>): Rule {
  return { method, path: new RegExp(`^${path.replaceAll('$', '\\$')}$`), ...rest };
}

function rotateRule(path: string, form: RotateForm): Rule {
  return rule('POST', `${DM}/${path}/rotateBitLockerKeys`, {
    endpoint: 'rotate',
    versions: BETA,
    classes: ['write', 'any'],
    roles: ROTATE,
    form,
  });
}

const readDevices = (endpoint: Endpoint, versions: readonly string[]): Omit<Rule, 'method' | 'path'> => ({
  endpoint,
  versions,
  classes: ['any'],
  roles: READ_DEVICES,
});
const readKeys = (endpoint: Endpoint): Omit<Rule, 'method' | 'path'> => ({
  endpoint,
  versions: BOTH,
  classes: ['key'],
  roles: READ_KEYS,
});

/** Source: OpenAPI description of Graph v1.0 and beta, and the reference page of the action (read 2026-11-22). */
const RULES: readonly Rule[] = [
  rule('GET', `${DM}/managedDevices`, readDevices('listDevices', BOTH)),
  rule('GET', `${DM}/managedDevices/${ID}`, readDevices('getDevice', BOTH)),
  rule('GET', `${DM}/comanagedDevices`, readDevices('listComanagedDevices', BETA)),
  rule('GET', `${DM}/comanagedDevices/${ID}`, readDevices('getComanagedDevice', BETA)),
  rotateRule(`managedDevices/${ID}`, 'byManagedDevice'),
  rotateRule(`comanagedDevices/${ID}`, 'byComanagedDevice'),
  rotateRule(`deviceHealthScripts/${ID}/${RUN_STATE}`, 'byRunState'),
  rotateRule(`deviceManagementScripts/${ID}/${RUN_STATE}`, 'byRunState'),
  rotateRule(`deviceComplianceScripts/${ID}/${RUN_STATE}`, 'byRunState'),
  rotateRule(`deviceManagementScripts/${ID}/${RUN_STATE}/users/${ID}/managedDevices/${ID}`, 'byRunStateAndDevice'),
  rotateRule(
    `deviceManagementScripts/${ID}/${RUN_STATE}/detectedApps/${ID}/managedDevices/${ID}`,
    'byRunStateAndDevice',
  ),
  rule('GET', `${DM}/managedDeviceEncryptionStates`, {
    endpoint: 'listStates',
    versions: BETA,
    classes: ['stateAny'],
    roles: READ_CONFIGURATION,
  }),
  rule('GET', `${DM}/managedDeviceEncryptionStates/${ID}`, {
    endpoint: 'getState',
    versions: BETA,
    classes: ['stateAny'],
    roles: READ_CONFIGURATION,
  }),
  rule('POST', `${DM}/managedDeviceEncryptionStates`, {
    endpoint: 'createState',
    versions: BETA,
    classes: ['stateWrite', 'stateAny'],
    roles: ['DeviceManagementConfiguration.ReadWrite.All'],
  }),
  rule('GET', `${DM}/remoteActionAudits`, readDevices('listActionAudits', BETA)),
  rule('GET', '/informationProtection/bitlocker/recoveryKeys', readKeys('listKeys')),
  rule('GET', `/informationProtection/bitlocker/recoveryKeys/${ID}`, readKeys('getKey')),
  rule('GET', '/auditLogs/directoryAudits', {
    endpoint: 'listDirectoryAudits',
    versions: BOTH,
    classes: ['audit'],
    roles: ['AuditLog.Read.All'],
  }),
  rule('POST', '/$batch', { endpoint: 'batch', versions: BOTH, classes: [], roles: [] }),
];

/** Finds the route; ids come decoded. */
export function routeOf(method: string, version: string, path: string): Route | NoRoute {
  const segment = path.slice(path.lastIndexOf('/') + 1);
  let wrongMethod = false;
  for (const candidate of RULES) {
    const match = candidate.path.exec(path);
    if (match === null) continue;
    if (candidate.method !== method) {
      wrongMethod = true;
      continue;
    }
    if (!candidate.versions.includes(version)) {
      return { status: candidate.endpoint === 'rotate' ? 405 : 400, segment, otherVersion: true };
    }
    const { endpoint, classes, roles, form } = candidate;
    return {
      endpoint,
      classes,
      roles,
      list: endpoint.startsWith('list'),
      ids: match.slice(1).map((id) => decoded(id)),
      ...(form === undefined ? {} : { form }),
    };
  }
  return { status: wrongMethod ? 405 : 404, segment, otherVersion: false };
}
