/** The Graph app roles Keyturn needs, and for what. The grant and the doctor read this table too. Layer: graph. */

/**
 * Role name to role id (a GUID, the same in every tenant and cloud).
 * Source: Microsoft Graph permissions reference (read 2026-11-22).
 */
export const APP_ROLES = {
  'DeviceManagementManagedDevices.ReadWrite.All': '243333ab-4d21-40cb-a475-36241daa0842',
  'DeviceManagementConfiguration.Read.All': 'dc377aa6-52d8-4e23-b271-2a7ae04cedf3',
  'DeviceManagementConfiguration.ReadWrite.All': '9241abd9-d0e6-425a-bd4f-47ba86e767a4',
  'DeviceManagementScripts.Read.All': 'c7a5be92-2b3d-4540-8a67-c96dcaae8b43',
  'BitlockerKey.ReadBasic.All': 'f690d423-6b29-4d04-98c6-694c42282419',
  'AuditLog.Read.All': 'b0afded3-3588-46d8-8b3d-9842eff778da',
} as const satisfies Readonly<Record<string, string>>;
export type AppRole = keyof typeof APP_ROLES;

/** What the adapter asks of Graph, as far as permissions go. */
export type GraphOperation =
  | 'managedDevices'
  | 'recoveryKeys'
  | 'actionResults'
  | 'encryptionStates'
  | 'rotation'
  | 'scriptRunStates'
  | 'encryptionStateCreation'
  | 'escrowAdd'
  | 'escrowUpdate'
  | 'servicePrincipals'
  | 'roleAssignment';

/**
 * What an operation is part of; who does without the feature does without its roles. `rotation`: every run. `scriptTargets`: on-demand
 * messages that name a script. `recordToGraph`: the setting `RECORD_TO_GRAPH`. `escrow`: `keyturn escrow`, whose reference pages leave the
 * permissions open.
 */
export const FEATURES = ['rotation', 'scriptTargets', 'recordToGraph', 'escrow'] as const;
export type Feature = (typeof FEATURES)[number];

export interface OperationRoles {
  /** Absent: what an administrator does by `keyturn grant`, with rights of their own; the app has none to it. */
  readonly feature?: Feature;
  /** In words that follow "to". */
  readonly title: string;
  /** The roles to grant: each of them. Empty: no page says which. */
  readonly needs: readonly AppRole[];
  /** Any one of these lets Graph answer; a token with none of them is refused. Empty with `needs`. */
  readonly anyOf: readonly string[];
}

const DEVICE_READERS = [
  'DeviceManagementManagedDevices.ReadWrite.All',
  'DeviceManagementManagedDevices.Read.All',
] as const;

/**
 * Source: Microsoft Graph reference pages of each operation, "Application" permissions (read 2026-11-22). The rotation page names both
 * `…Configuration.ReadWrite.All` and `…ManagedDevices.ReadWrite.All`; either is documented to do, so the one the reads need too is granted.
 * The pages on run states disagree: that on management scripts names `DeviceManagementScripts.Read.All`, those on health and compliance
 * scripts still `DeviceManagementConfiguration.Read.All`. Observed since 2025: tenants that answer 403 to a token without the former, for
 * scripts of every kind. So both are granted, and either may do.
 */
export const OPERATION_ROLES: Readonly<Record<GraphOperation, OperationRoles>> = {
  managedDevices: {
    feature: 'rotation',
    title: 'read managed devices',
    needs: ['DeviceManagementManagedDevices.ReadWrite.All'],
    anyOf: DEVICE_READERS,
  },
  recoveryKeys: {
    feature: 'rotation',
    title: 'read recovery-key metadata',
    needs: ['BitlockerKey.ReadBasic.All'],
    anyOf: ['BitlockerKey.ReadBasic.All', 'BitlockerKey.Read.All'],
  },
  actionResults: {
    feature: 'rotation',
    title: 'read action results',
    needs: ['DeviceManagementManagedDevices.ReadWrite.All'],
    anyOf: DEVICE_READERS,
  },
  encryptionStates: {
    feature: 'rotation',
    title: 'read encryption states',
    needs: ['DeviceManagementConfiguration.Read.All'],
    anyOf: ['DeviceManagementConfiguration.Read.All', 'DeviceManagementConfiguration.ReadWrite.All'],
  },
  rotation: {
    feature: 'rotation',
    title: 'request a rotation',
    needs: ['DeviceManagementManagedDevices.ReadWrite.All'],
    anyOf: ['DeviceManagementManagedDevices.ReadWrite.All', 'DeviceManagementConfiguration.ReadWrite.All'],
  },
  scriptRunStates: {
    feature: 'scriptTargets',
    title: 'read run states of scripts',
    needs: ['DeviceManagementScripts.Read.All', 'DeviceManagementConfiguration.Read.All'],
    anyOf: [
      'DeviceManagementScripts.Read.All',
      'DeviceManagementScripts.ReadWrite.All',
      'DeviceManagementConfiguration.Read.All',
      'DeviceManagementConfiguration.ReadWrite.All',
    ],
  },
  encryptionStateCreation: {
    feature: 'recordToGraph',
    title: 'create encryption states',
    needs: ['DeviceManagementConfiguration.ReadWrite.All'],
    anyOf: ['DeviceManagementConfiguration.ReadWrite.All'],
  },
  // Source: `reference/create-bitlockerrecoverykey.md`, `reference/update-recoverykeys.md`: "TODO: Provide applicable permissions" (read 2026-11-22).
  escrowAdd: { feature: 'escrow', title: 'add a recovery key to escrow', needs: [], anyOf: [] },
  escrowUpdate: { feature: 'escrow', title: 'update a recovery key in escrow', needs: [], anyOf: [] },
  // A person has the right to these by a directory role, which no token tells.
  servicePrincipals: { title: 'read service principals and their app roles', needs: [], anyOf: [] },
  roleAssignment: { title: 'assign an app role', needs: [], anyOf: [] },
};

/** A role to grant, and why: every operation of the features asked for that needs it. */
export interface RoleGrant {
  readonly role: AppRole;
  readonly roleId: string;
  /** `title` in words that follow "to". At least one. */
  readonly reasons: readonly { readonly feature: Feature; readonly title: string }[];
}

/** The roles that the features need together, each once, in the order of `APP_ROLES`. */
export function roleGrants(features: readonly Feature[]): readonly RoleGrant[] {
  const operations = Object.values(OPERATION_ROLES);
  return (Object.keys(APP_ROLES) as AppRole[]).flatMap((role) => {
    const reasons = operations.flatMap(({ feature, title, needs }) =>
      feature !== undefined && features.includes(feature) && needs.includes(role) ? [{ feature, title }] : [],
    );
    return reasons.length === 0 ? [] : [{ role, roleId: APP_ROLES[role], reasons }];
  });
}

/** True when the token's roles are known, and so are those that let the operation through, and it has none of them. */
export function lacksRole(operation: GraphOperation, granted: readonly string[] | undefined): boolean {
  const { anyOf } = OPERATION_ROLES[operation];
  return granted !== undefined && anyOf.length > 0 && !anyOf.some((role) => granted.includes(role));
}
