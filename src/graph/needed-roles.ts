/** The app roles that features need, as the grant and the doctor take them. Layer: graph. */
import type { NeededRole } from '../domain/directory.ts';
import { type Feature, OPERATION_ROLES, roleGrants } from './app-roles.ts';

/** `roleGrants`, each reason with the roles that would do as well. */
export function neededRoles(features: readonly Feature[]): readonly NeededRole[] {
  return roleGrants(features).map(({ role, roleId, reasons }) => ({
    role,
    roleId,
    reasons: reasons.map(({ feature, title }) => ({ feature, title, anyOf: anyOf(feature, title) })),
  }));
}

function anyOf(feature: Feature, title: string): readonly string[] {
  const operation = Object.values(OPERATION_ROLES).find((one) => one.feature === feature && one.title === title);
  return operation?.anyOf ?? [];
}
