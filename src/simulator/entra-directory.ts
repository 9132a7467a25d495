/** Service principals and their app roles: the app's own, Graph's, and whoever a test adds. Layer: simulator. */
import { guidOf, hash32 } from './seeded-random.ts';

export interface PrincipalSpec {
  readonly id: string;
  readonly appId: string;
  readonly displayName: string;
  /** Names of the Graph app roles it has from the start. Default none. */
  readonly roles?: readonly string[];
}

/** What a tenant's directory is like. */
export interface DirectoryBehaviour {
  /** Default `anyone`: whoever has a token may read and assign, as an administrator may. `roles`: the token needs the documented app roles. */
  readonly access?: 'anyone' | 'roles';
  /** Besides the app's own. */
  readonly principals?: readonly PrincipalSpec[];
  /** App roles that Graph does not offer in this tenant. */
  readonly notOffered?: readonly string[];
  /** App roles that Graph offers, but disabled. */
  readonly disabled?: readonly string[];
  /** How long after it was made an assignment is missing from lists, ms; divided by `speed`. Default 0. */
  readonly assignmentsShownAfterMs?: number;
}

export interface Principal {
  readonly id: string;
  readonly appId: string;
  readonly displayName: string;
  readonly type: 'ManagedIdentity' | 'Application';
}

/** The managed identity that tokens are issued to. */
export const OWN_PRINCIPAL: Principal = {
  id: '5eed0000-0000-4000-8000-00000000001d',
  appId: '5eed0000-0000-4000-8000-00000000c11e',
  displayName: 'Keyturn',
  type: 'ManagedIdentity',
};

/** Source: Microsoft Graph documentation, "Grant or revoke API permissions programmatically" (read 2026-11-22). */
export const GRAPH_APP_ID = '00000003-0000-0000-c000-000000000000';
const GRAPH_PRINCIPAL: Principal = {
  id: '5eed0000-0000-4000-8000-000000064a91',
  appId: GRAPH_APP_ID,
  displayName: 'Microsoft Graph',
  type: 'Application',
};

/** Source: Microsoft Graph permissions reference (read 2026-11-22). */
const ROLE_IDS: Readonly<Record<string, string>> = {
  'DeviceManagementManagedDevices.ReadWrite.All': '243333ab-4d21-40cb-a475-36241daa0842',
  'DeviceManagementManagedDevices.Read.All': '2f51be20-0bb4-4fed-bf7b-db946066c75e',
  'DeviceManagementManagedDevices.PrivilegedOperations.All': '5b07b0dd-2377-4e44-a38d-703f09a0dc3c',
  'DeviceManagementConfiguration.Read.All': 'dc377aa6-52d8-4e23-b271-2a7ae04cedf3',
  'DeviceManagementConfiguration.ReadWrite.All': '9241abd9-d0e6-425a-bd4f-47ba86e767a4',
  'DeviceManagementScripts.Read.All': 'c7a5be92-2b3d-4540-8a67-c96dcaae8b43',
  'BitlockerKey.ReadBasic.All': 'f690d423-6b29-4d04-98c6-694c42282419',
  'BitlockerKey.Read.All': '57f1cf28-c0c4-4ec3-9a30-19a2eaaf2f6e',
  'AuditLog.Read.All': 'b0afded3-3588-46d8-8b3d-9842eff778da',
  'AppRoleAssignment.ReadWrite.All': '06b708a9-e830-4db3-a914-8e69da51d44f',
  'Application.Read.All': '9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30',
};

export interface AppRole {
  readonly id: string;
  readonly value: string;
  readonly isEnabled: boolean;
  readonly allowedMemberTypes: readonly string[];
}

export interface AssignmentRow {
  readonly id: string;
  readonly createdAtMs: number;
  readonly roleId: string;
  readonly principal: Principal;
  readonly resource: Principal;
}

/** The directory of one tenant. */
export interface EntraDirectory {
  principal(id: string): Principal | undefined;
  principalOf(appId: string): Principal | undefined;
  /** Of Graph; every other principal offers none. */
  offeredRoles(principal: Principal): readonly AppRole[];
  /** As a list shows them at that instant. */
  listed(principal: Principal, nowMs: number): readonly AssignmentRow[];
  /** Why not, in words, or the new row. */
  assign(
    principal: Principal,
    resourceId: string,
    roleId: string,
    nowMs: number,
  ): AssignmentRow | 'exists' | 'noResource' | 'noRole';
  /** Names of the Graph app roles a principal has: what its next token carries. */
  rolesOf(principalId: string): readonly string[];
  /** Replaces the Graph app roles of the app's own principal. */
  setOwnRoles(roles: readonly string[]): void;
}

/** Its principals have their roles from the start. */
export function createEntraDirectory(
  behaviour: DirectoryBehaviour,
  ownRoles: readonly string[],
  speed: number,
): EntraDirectory {
  const { principals = [], notOffered = [], disabled = [] } = behaviour;
  const shownAfterMs = (behaviour.assignmentsShownAfterMs ?? 0) / speed;
  const added = principals.map((spec) => ({ ...spec, type: 'Application' as const }));
  const all: readonly Principal[] = [OWN_PRINCIPAL, GRAPH_PRINCIPAL, ...added];
  let rows: AssignmentRow[] = [];

  const roles: readonly AppRole[] = Object.entries(ROLE_IDS)
    .filter(([name]) => !notOffered.includes(name))
    .map(([value, id]) => ({
      id,
      value,
      isEnabled: !disabled.includes(value),
      allowedMemberTypes: ['Application'],
    }));

  function rowOf(principal: Principal, roleId: string, nowMs: number): AssignmentRow {
    const id = Buffer.from(`${principal.id}${roleId}`).toString('base64url').slice(0, 43);
    return { id, createdAtMs: nowMs, roleId, principal, resource: GRAPH_PRINCIPAL };
  }

  function give(principal: Principal, names: readonly string[]): void {
    rows = rows.filter((row) => row.principal !== principal);
    rows.push(...names.map((name) => rowOf(principal, idOf(name), Number.NEGATIVE_INFINITY)));
  }

  const names = new Map<string, string>();
  function idOf(name: string): string {
    const id = ROLE_IDS[name] ?? guidOf(...wordsOf(name));
    names.set(id, name);
    return id;
  }

  for (const name of Object.keys(ROLE_IDS)) idOf(name);
  give(OWN_PRINCIPAL, ownRoles);
  for (const principal of added) give(principal, principal.roles ?? []);

  return {
    principal: (id) => all.find((one) => one.id === id.toLowerCase()),
    principalOf: (appId) => all.find((one) => one.appId === appId.toLowerCase()),
    offeredRoles: (principal) => (principal === GRAPH_PRINCIPAL ? roles : []),
    listed: (principal, nowMs) =>
      rows.filter((row) => row.principal === principal && row.createdAtMs + shownAfterMs <= nowMs),
    assign(principal, resourceId, roleId, nowMs) {
      if (resourceId !== GRAPH_PRINCIPAL.id) return 'noResource';
      if (!roles.some((role) => role.id === roleId && role.isEnabled)) return 'noRole';
      if (rows.some((row) => row.principal === principal && row.roleId === roleId)) return 'exists';
      const row = rowOf(principal, roleId, nowMs);
      rows.push(row);
      return row;
    },
    rolesOf: (principalId) =>
      rows.filter((row) => row.principal.id === principalId).map(({ roleId }) => names.get(roleId) ?? roleId),
    setOwnRoles: (next) => give(OWN_PRINCIPAL, next),
  };
}

/** Four words that depend on every letter. */
function wordsOf(name: string): [number, number, number, number] {
  const hash = (salt: number) => [...name].reduce((word, letter) => hash32(word, letter.charCodeAt(0), salt), 1);
  return [hash(1), hash(2), hash(3), hash(4)];
}
