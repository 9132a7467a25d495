/** App roles a principal has beyond the needed ones, and which of them are dangerous here: least privilege. Pure. Layer: app. */
import type { NeededRole } from '../domain/directory.ts';

/** A role nobody asked for. */
export interface SpareRole {
  readonly role: string;
  /** What whoever takes the app over could do with it, in words that follow "can"; absent when nothing special is known. */
  readonly danger?: string;
}

/**
 * What makes a role more than a blemish on an app that only rotates keys.
 * Source: Microsoft Graph permissions reference, descriptions of the application permissions (read 2026-11-22). Chosen: those that reveal
 * recovery passwords, take devices or the tenant over, or that Keyturn's own features call for when they are on.
 */
const DANGERS: Readonly<Record<string, string>> = {
  'BitlockerKey.Read.All': 'read every recovery password, which Keyturn never does and must not be able to',
  'BitlockerKey.ReadWrite.All': 'read and replace every recovery password, and Keyturn must not be able to read one',
  'DeviceManagementManagedDevices.PrivilegedOperations.All': 'wipe, retire and reset the passcode of every device',
  'DeviceManagementConfiguration.ReadWrite.All': "change every device's configuration and policies",
  'DeviceManagementScripts.ReadWrite.All': 'run scripts as the system on every device',
  'DeviceManagementApps.ReadWrite.All': 'install software on every device',
  'DeviceManagementRBAC.ReadWrite.All': 'give anyone rights in Intune',
  'DeviceManagementServiceConfig.ReadWrite.All': 'change enrolment and other Intune settings',
  'AppRoleAssignment.ReadWrite.All': 'grant any app, itself too, any permission',
  'RoleManagement.ReadWrite.Directory': 'make anyone an administrator of the tenant',
  'Application.ReadWrite.All': 'take over any app of the tenant',
  'Directory.ReadWrite.All': 'change users and groups of the tenant',
  'AuditLog.Read.All': 'read who signed in and did what in the tenant',
};

/** The roles among `granted` that no feature needs, dangerous ones first; `granted` may name a role several times. */
export function spareRoles(granted: readonly string[], needed: readonly NeededRole[]): readonly SpareRole[] {
  const names = new Set(needed.map(({ role }) => role));
  const spare = [...new Set(granted)]
    .filter((role) => !names.has(role))
    .map((role): SpareRole => {
      const danger = DANGERS[role];
      return danger === undefined ? { role } : { role, danger };
    });
  return [...spare.filter(({ danger }) => danger !== undefined), ...spare.filter(({ danger }) => danger === undefined)];
}

/** `A can read …; B` on one line. At least one. */
export function spareText(spare: readonly SpareRole[]): string {
  return spare.map(({ role, danger }) => (danger === undefined ? role : `${role} (can ${danger})`)).join('; ');
}
