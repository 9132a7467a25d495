/** What a simulated tenant makes of things that Graph's documentation leaves open; a test may choose. Layer: simulator. */
import type { ScriptSpec } from './devices/scripts.ts';
import { type Route, SCRIPT_ROLES } from './endpoints/route.ts';
import type { DirectoryBehaviour } from './entra-directory.ts';

/** `accepts`: writes as the reference page shows. A status: every one is refused with it, before its body is looked at. */
export type WriteAnswer = 'accepts' | 400 | 405 | 501;

export interface TenantBehaviour {
  /** What Intune does with a second request while one is pending. Default `queued`. */
  readonly secondRequest?: 'queued' | 'merged';
  /** Default `varied`: all three spellings of `volumeType`. */
  readonly volumeTypes?: 'symbolic' | 'varied';
  /** What an encryption state's id is. Default `managedDeviceId`. */
  readonly encryptionStateIds?: 'managedDeviceId' | 'entraDeviceId';
  /**
   * Scripts with run states. Without it run states cannot be listed or read (404), and any script id leads a rotation to its device.
   * With it, only these scripts exist, and only the run states of Windows devices, by `runStateIdOf`.
   */
  readonly scripts?: readonly ScriptSpec[];
  /** Default `either`: as of 2025 both the roles for scripts and the older ones for configuration do. `scriptsOnly`: what Microsoft announced for later. */
  readonly scriptRoles?: 'either' | 'scriptsOnly';
  /** What `POST …/managedDeviceEncryptionStates` answers. Default `accepts`. */
  readonly stateCreation?: WriteAnswer;
  /** Two equal bodies that arrive within this are one state created twice, ms; divided by `speed`. Default: one hour. */
  readonly duplicateStateWithinMs?: number;
  /** What adding and updating recovery keys answers; metadata of 2026 marks the collection as not insertable. Default `accepts`. */
  readonly escrow?: WriteAnswer;
  /** The app role both need. Default: any token will do; the reference pages leave it open. */
  readonly escrowRole?: string;
  /** Service principals, who may read and assign, and what there is to assign. */
  readonly directory?: DirectoryBehaviour;
}

/** The app roles a route takes, any one of them, in a tenant that behaves so. */
export function rolesFor({ endpoint, roles }: Route, behaviour: TenantBehaviour): readonly string[] {
  switch (endpoint) {
    case 'addKey':
    case 'updateKey':
      return behaviour.escrowRole === undefined ? roles : [behaviour.escrowRole];
    case 'listRunStates':
    case 'getRunState':
      return behaviour.scriptRoles === 'scriptsOnly' ? SCRIPT_ROLES : roles;
    case 'getServicePrincipal':
    case 'getServicePrincipalOf':
    case 'listRoleAssignments':
    case 'addRoleAssignment':
      return behaviour.directory?.access === 'roles' ? roles : [];
    default:
      return roles;
  }
}
