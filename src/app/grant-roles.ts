/** Grants the Graph app roles: looks first, then assigns what is missing, and looks again after an unclear answer. Layer: app. */
import { assertNever } from '../domain/assert-never.ts';
import type { AssignmentOutcome, Directory, GraphApi, NeededRole, ServicePrincipal } from '../domain/directory.ts';
import { GraphError } from '../domain/graph-error.ts';
import type { CallOptions, Clock } from '../domain/ports.ts';
import { type SpareRole, spareRoles } from './spare-roles.ts';

/** `dryRun` reads and says what it would do. */
export type GrantMode = 'really' | 'dryRun';

/**
 * - `already`: was there. `assigned`: is there now. `wouldAssign`: with `dryRun`.
 * - `notOffered`: Graph in this tenant has no such role for applications, or one of another name under its id.
 * - `refused`: a 4xx. `unknown`: no clear answer, and it is not in the list. `notReached`: something before it ended the work.
 */
export type GrantOutcome = 'already' | 'assigned' | 'wouldAssign' | 'notOffered' | 'refused' | 'unknown' | 'notReached';

export interface GrantedRole {
  readonly role: string;
  readonly roleId: string;
  readonly outcome: GrantOutcome;
  /** In words that follow "to". */
  readonly reasons: readonly string[];
  /** With `refused`, and after an unclear answer, when Graph gave one. */
  readonly httpStatus?: number;
  readonly requestId?: string;
}

/** What was done, and what was not. */
export interface GrantReport {
  /** Absent when nobody could be asked who it is. */
  readonly principal?: ServicePrincipal;
  readonly mode: GrantMode;
  /** In the order of the needed roles. */
  readonly roles: readonly GrantedRole[];
  /** What the principal has of Graph beyond them; empty when that could not be read. */
  readonly spare: readonly SpareRole[];
  /** What ended the work early. `forbidden`: whoever runs this may not. */
  readonly stopped?: { readonly because: 'forbidden' | 'unavailable'; readonly message: string };
  /** Every needed role is there, or would be. */
  readonly ok: boolean;
}

export interface GrantDeps {
  readonly directory: Directory;
  readonly clock: Clock;
}

/** Chosen: lists lag by some seconds after an assignment; three looks, two seconds apart, see most of them. */
const LOOKS_AFTER_DOUBT = 3;
const BETWEEN_LOOKS_MS = 2_000;

/**
 * Gives the principal each needed role that it does not have; doing it twice changes nothing. An assignment whose answer was lost is looked
 * for, never sent again. `undefined`: no service principal has that object or application id.
 * @throws {GraphError} of every kind but `forbidden`, as long as nothing was assigned. @throws the signal's reason before the first one.
 */
export async function grantRoles(
  deps: GrantDeps,
  principalId: string,
  needed: readonly NeededRole[],
  mode: GrantMode,
  options: CallOptions,
): Promise<GrantReport | undefined> {
  const { directory } = deps;
  const done: GrantedRole[] = [];
  let principal: ServicePrincipal | undefined;
  let spare: readonly SpareRole[] = [];

  function report(stopped?: GrantReport['stopped']): GrantReport {
    const left = needed.slice(done.length).map((role) => granted(role, 'notReached'));
    const roles = [...done, ...left];
    const isThere = ({ outcome }: GrantedRole) => ['already', 'assigned', 'wouldAssign'].includes(outcome);
    return {
      mode,
      roles,
      spare,
      ok: roles.every(isThere),
      ...(principal === undefined ? {} : { principal }),
      ...(stopped === undefined ? {} : { stopped }),
    };
  }

  try {
    principal = await directory.findPrincipal(principalId, options);
    if (principal === undefined) return undefined;
    const graphApi = await directory.graphApi(options);
    const has = await rolesOf(directory, principal, graphApi, options);
    spare = spareRoles(namesOf(has, graphApi), needed);

    for (const role of needed) {
      if (has.has(role.roleId)) done.push(granted(role, 'already'));
      else if (!isOffered(role, graphApi)) done.push(granted(role, 'notOffered'));
      else if (mode === 'dryRun') done.push(granted(role, 'wouldAssign'));
      else {
        options.signal.throwIfAborted();
        const assignment = { resourceId: graphApi.id, roleId: role.roleId };
        const outcome = await directory.assignRole(principal.id, assignment, options);
        if (outcome.kind === 'forbidden')
          return report({ because: 'forbidden', message: 'assigning was refused (403)' });
        if (outcome.kind === 'notSent') return report({ because: 'unavailable', message: busy(outcome.retryAfterMs) });
        done.push(await settled(deps, principal, graphApi, role, outcome, options));
      }
    }
    return report();
  } catch (error) {
    const hasAssigned = done.some(({ outcome }) => outcome === 'assigned' || outcome === 'unknown');
    if (error instanceof GraphError) {
      if (error.kind === 'forbidden') return report({ because: 'forbidden', message: 'reading was refused (403)' });
      if (hasAssigned) return report({ because: 'unavailable', message: error.message });
    }
    if (hasAssigned && options.signal.aborted) return report({ because: 'unavailable', message: 'it was stopped' });
    throw error;
  }
}

/** What became of the role; after an unclear answer, by what the list says. */
async function settled(
  deps: GrantDeps,
  principal: ServicePrincipal,
  graphApi: GraphApi,
  role: NeededRole,
  outcome: Exclude<AssignmentOutcome, { readonly kind: 'forbidden' | 'notSent' }>,
  options: CallOptions,
): Promise<GrantedRole> {
  switch (outcome.kind) {
    case 'assigned':
      return granted(role, 'assigned');
    case 'exists':
      return granted(role, 'already');
    case 'refused': {
      const { kind: _kind, ...details } = outcome;
      return { ...granted(role, 'refused'), ...details };
    }
    case 'unknown': {
      const { kind: _kind, ...details } = outcome;
      return {
        ...granted(role, (await isThereNow(deps, principal, graphApi, role, options)) ? 'assigned' : 'unknown'),
        ...details,
      };
    }
    default:
      return assertNever(outcome, 'outcome');
  }
}

/** False also when the list cannot be read: the assignment that was asked for must not be left out of the report for that. */
async function isThereNow(
  { directory, clock }: GrantDeps,
  principal: ServicePrincipal,
  graphApi: GraphApi,
  { roleId }: NeededRole,
  options: CallOptions,
): Promise<boolean> {
  try {
    for (let look = 1; look <= LOOKS_AFTER_DOUBT; look++) {
      await clock.sleep(BETWEEN_LOOKS_MS, options.signal);
      if ((await rolesOf(directory, principal, graphApi, options)).has(roleId)) return true;
    }
    return false;
  } catch (error) {
    if (error instanceof GraphError || error === options.signal.reason) return false;
    throw error;
  }
}

/** Ids of the roles of Graph that the principal has. */
async function rolesOf(
  directory: Directory,
  principal: ServicePrincipal,
  graphApi: GraphApi,
  options: CallOptions,
): Promise<ReadonlySet<string>> {
  const assignments = await directory.roleAssignments(principal.id, options);
  return new Set(assignments.filter(({ resourceId }) => resourceId === graphApi.id).map(({ roleId }) => roleId));
}

/** A role that Graph offers no more has no name; its id stands for it. */
function namesOf(ids: ReadonlySet<string>, graphApi: GraphApi): readonly string[] {
  const names = new Map(graphApi.roles.map(({ roleId, role }) => [roleId, role]));
  return [...ids].map((id) => names.get(id) ?? id);
}

/** Another role under the same id would be another right than the one that was decided on. */
function isOffered({ role, roleId }: NeededRole, { roles }: GraphApi): boolean {
  return roles.some((one) => one.roleId === roleId && one.role === role && one.isEnabled && one.isForApplications);
}

function granted({ role, roleId, reasons }: NeededRole, outcome: GrantOutcome): GrantedRole {
  return { role, roleId, outcome, reasons: reasons.map(({ title }) => title) };
}

function busy(retryAfterMs: number): string {
  return `Graph had no time for it${retryAfterMs > 0 ? `; try again in ${Math.ceil(retryAfterMs / 1_000)} s` : ''}`;
}
