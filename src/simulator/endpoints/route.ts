/** Which endpoint a method, version and path mean, what it counts as, and which roles it needs. Layer: simulator. */
import { unescape as decoded } from 'node:querystring';
import { SCRIPT_KINDS, type ScriptKind } from '../../domain/targets.ts';
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
  | 'addKey'
  | 'updateKey'
  | 'listRunStates'
  | 'getRunState'
  | 'listDirectoryAudits'
  | 'getServicePrincipal'
  | 'getServicePrincipalOf'
  | 'listRoleAssignments'
  | 'addRoleAssignment'
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
  /** On the way through a script's run states: its kind. */
  readonly script?: ScriptKind;
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
  readonly script?: ScriptKind;
}

const BOTH = ['v1.0', 'beta'];
const BETA = ['beta'];
const READ_DEVICES = ['DeviceManagementManagedDevices.Read.All', 'DeviceManagementManagedDevices.ReadWrite.All'];
const READ_CONFIGURATION = ['DeviceManagementConfiguration.Read.All', 'DeviceManagementConfiguration.ReadWrite.All'];
/** Source: reference page of the action, "One of the following permissions is required" (read 2026-11-22). */
const ROTATE = ['DeviceManagementManagedDevices.ReadWrite.All', 'DeviceManagementConfiguration.ReadWrite.All'];
const READ_KEYS = ['BitlockerKey.ReadBasic.All', 'BitlockerKey.Read.All'];

/**
 * They replace the roles for configuration on all script resources; for now both do. Source: Intune documentation, "What's new", week of
 * July 28, 2025, "New Microsoft Graph permissions for API calls to device management endpoints" (read 2026-11-22).
 */
export const SCRIPT_ROLES = ['DeviceManagementScripts.Read.All', 'DeviceManagementScripts.ReadWrite.All'] as const;
/** Reference pages of 2024 name DeviceManagementManagedDevices for some kinds too; Chosen: not enough here, so that nobody relies on it. */
const READ_SCRIPTS = [...SCRIPT_ROLES, ...READ_CONFIGURATION];

/** Source: Graph v1.0 reference, "Get servicePrincipal", "Grant an appRoleAssignment to a service principal" (read 2026-11-22). */
const READ_PRINCIPALS = ['Application.Read.All', 'Application.ReadWrite.All', 'Directory.Read.All'];
const ASSIGN_ROLES = ['AppRoleAssignment.ReadWrite.All'];

const ID = '([^/]+)';
const DM = '/deviceManagement';
const RUN_STATE = `deviceRunStates/${ID}/managedDevice`;

function rule(method: string, path: string, rest: Omit<Rule, 'method' | 'path'>): Rule {
  return { method, path: new RegExp(`^${path.replaceAll('$', '\\$')}$`), ...rest };
}

function rotateRule(path: string, form: RotateForm, script?: ScriptKind): Rule {
  return rule('POST', `${DM}/${path}/rotateBitLockerKeys`, {
    endpoint: 'rotate',
    versions: BETA,
    classes: ['write', 'any'],
    roles: ROTATE,
    form,
    ...(script === undefined ? {} : { script }),
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
/** Throttle class: undocumented; chosen like reading them. */
const writeKeys = (endpoint: Endpoint, versions: readonly string[]): Omit<Rule, 'method' | 'path'> => ({
  endpoint,
  versions,
  classes: ['key'],
  roles: [],
});
/** Throttle class: undocumented for scripts; chosen: that of the managed devices they lead to. */
const readRunStates = (endpoint: Endpoint, script: ScriptKind): Omit<Rule, 'method' | 'path'> => ({
  endpoint,
  versions: BETA,
  classes: ['any'],
  roles: READ_SCRIPTS,
  script,
});

/** Throttle class: none of ours; the directory counts in limits of its own. */
const principals = (endpoint: Endpoint, roles: readonly string[]): Omit<Rule, 'method' | 'path'> => ({
  endpoint,
  versions: BOTH,
  classes: [],
  roles,
});

/** Source: OpenAPI description of Graph v1.0 and beta, and the reference pages of the action and of escrow (read 2026-11-22). */
const RULES: readonly Rule[] = [
  rule('GET', `${DM}/managedDevices`, readDevices('listDevices', BOTH)),
  rule('GET', `${DM}/managedDevices/${ID}`, readDevices('getDevice', BOTH)),
  rule('GET', `${DM}/comanagedDevices`, readDevices('listComanagedDevices', BETA)),
  rule('GET', `${DM}/comanagedDevices/${ID}`, readDevices('getComanagedDevice', BETA)),
  rotateRule(`managedDevices/${ID}`, 'byManagedDevice'),
  rotateRule(`comanagedDevices/${ID}`, 'byComanagedDevice'),
  ...SCRIPT_KINDS.map((kind) => rotateRule(`${kind}s/${ID}/${RUN_STATE}`, 'byRunState', kind)),
  ...['users', 'detectedApps'].map((on) =>
    rotateRule(
      `deviceManagementScripts/${ID}/${RUN_STATE}/${on}/${ID}/managedDevices/${ID}`,
      'byRunStateAndDevice',
      'deviceManagementScript',
    ),
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
  // Permissions: the reference pages leave them open; Chosen: none, unless the tenant is made with one.
  rule('POST', `/users/${ID}/informationProtection/bitlocker/recoveryKeys`, writeKeys('addKey', BOTH)),
  rule('PATCH', '/bitlocker/recoveryKeys', writeKeys('updateKey', BETA)),
  ...SCRIPT_KINDS.flatMap((kind) => [
    rule('GET', `${DM}/${kind}s/${ID}/deviceRunStates`, readRunStates('listRunStates', kind)),
    rule('GET', `${DM}/${kind}s/${ID}/deviceRunStates/${ID}`, readRunStates('getRunState', kind)),
  ]),
  rule('GET', `/servicePrincipals/${ID}`, principals('getServicePrincipal', READ_PRINCIPALS)),
  rule('GET', "/servicePrincipals\\(appId='([^/']+)'\\)", principals('getServicePrincipalOf', READ_PRINCIPALS)),
  rule('GET', `/servicePrincipals/${ID}/appRoleAssignments`, principals('listRoleAssignments', READ_PRINCIPALS)),
  rule('POST', `/servicePrincipals/${ID}/appRoleAssignments`, principals('addRoleAssignment', ASSIGN_ROLES)),
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
    const { endpoint, classes, roles, form, script } = candidate;
    return {
      endpoint,
      classes,
      roles,
      list: endpoint.startsWith('list'),
      ids: match.slice(1).map((id) => decoded(id)),
      ...(form === undefined ? {} : { form }),
      ...(script === undefined ? {} : { script }),
    };
  }
  return { status: wrongMethod ? 405 : 404, segment, otherVersion: false };
}
