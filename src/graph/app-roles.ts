/** The Graph app roles Keyturn needs, and for what. The grant and the doctor read this table too. Layer: graph. */

/**
 * Role name to role id (a GUID, the same in every tenant and cloud).
 * Source: Microsoft Graph permissions reference (read 2026-11-22).
 */
export const APP_ROLES = {
  'DeviceManagementManagedDevices.ReadWrite.All': '243333ab-4d21-40cb-a475-36241daa0842',
  'DeviceManagementConfiguration.Read.All': 'dc377aa6-52d8-4e23-b271-2a7ae04cedf3',
  'DeviceManagementConfiguration.ReadWrite.All': '9241abd9-d0e6-425a-bd4f-47ba86e767a4',
  'BitlockerKey.ReadBasic.All': 'f690d423-6b29-4d04-98c6-694c42282419',
  'AuditLog.Read.All': 'b0afded3-3588-46d8-8b3d-9842eff778da',
} as const satisfies Readonly<Record<string, string>>;
export type AppRole = keyof typeof APP_ROLES;

/** What the adapter asks of Graph, as far as permissions go. */
export type GraphOperation = 'managedDevices' | 'recoveryKeys' | 'actionResults' | 'encryptionStates' | 'rotation';

export interface OperationRoles {
  /** In words that follow "to". */
  readonly title: string;
  /** The roles to grant: each of them. */
  readonly needs: readonly AppRole[];
  /** Any one of these lets Graph answer; a token with none of them is refused. */
  readonly anyOf: readonly string[];
}

const DEVICE_READERS = [
  'DeviceManagementManagedDevices.ReadWrite.All',
  'DeviceManagementManagedDevices.Read.All',
] as const;

/**
 * Source: Microsoft Graph reference pages of each operation, "Application" permissions (read 2026-11-22). The rotation page names both
 * `…Configuration.ReadWrite.All` and `…ManagedDevices.ReadWrite.All`; either is documented to do, so the one the reads need too is granted.
 */
export const OPERATION_ROLES: Readonly<Record<GraphOperation, OperationRoles>> = {
  managedDevices: {
    title: 'read managed devices',
    needs: ['DeviceManagementManagedDevices.ReadWrite.All'],
    anyOf: DEVICE_READERS,
  },
  recoveryKeys: {
    title: 'read recovery-key metadata',
    needs: ['BitlockerKey.ReadBasic.All'],
    anyOf: ['BitlockerKey.ReadBasic.All', 'BitlockerKey.Read.All'],
  },
  actionResults: {
    title: 'read action results',
    needs: ['DeviceManagementManagedDevices.ReadWrite.All'],
    anyOf: DEVICE_READERS,
  },
  encryptionStates: {
    title: 'read encryption states',
    needs: ['DeviceManagementConfiguration.Read.All'],
    anyOf: ['DeviceManagementConfiguration.Read.All', 'DeviceManagementConfiguration.ReadWrite.All'],
  },
  rotation: {
    title: 'request a rotation',
    needs: ['DeviceManagementManagedDevices.ReadWrite.All'],
    anyOf: ['DeviceManagementManagedDevices.ReadWrite.All', 'DeviceManagementConfiguration.ReadWrite.All'],
  },
};

/** True when the token's roles are known and none of them lets the operation through. */
export function lacksRole(operation: GraphOperation, granted: readonly string[] | undefined): boolean {
  return granted !== undefined && !OPERATION_ROLES[operation].anyOf.some((role) => granted.includes(role));
}
