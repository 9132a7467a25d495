/** What granting did, role by role, who may do it, and what comes next. Pure. Layer: cli. */
import type { GrantedRole, GrantOutcome, GrantReport } from '../../app/grant-roles.ts';
import { spareText } from '../../app/spare-roles.ts';
import { plural } from '../../domain/plain-figures.ts';
import type { Style } from './style.ts';
import { visible, wrap } from './text.ts';

const INDENT = '  ';

const OUTCOME: Readonly<Record<GrantOutcome, { readonly words: string; readonly paint: keyof Style }>> = {
  already: { words: 'already there', paint: 'good' },
  assigned: { words: 'assigned', paint: 'good' },
  wouldAssign: { words: 'would be assigned', paint: 'accent' },
  notOffered: { words: 'not offered', paint: 'bad' },
  refused: { words: 'refused', paint: 'bad' },
  unknown: { words: 'not known', paint: 'bad' },
  notReached: { words: 'not reached', paint: 'warn' },
};

/**
 * Who may grant application permissions of Microsoft Graph.
 * Source: Entra ID documentation, "Grant tenant-wide admin consent", prerequisites; Microsoft Graph v1.0 reference, "Grant an
 * appRoleAssignment to a service principal", permissions (read 2026-11-22).
 */
export const WHO_MAY_GRANT: readonly string[] = [
  'Who may: a person with the Entra role Privileged Role Administrator (or Global Administrator), signed in with `az login`;',
  'or an app with the Graph application roles AppRoleAssignment.ReadWrite.All and Application.Read.All.',
  'Owner or Contributor of the subscription is not enough, and neither is Application Administrator.',
  'https://learn.microsoft.com/graph/api/serviceprincipal-post-approleassignments',
];

/** Source: Azure Functions and managed identity documentation, "token caching": up to 24 hours (read 2026-11-22). */
const CACHE_NOTE =
  "A managed identity's token is cached by Azure for up to 24 hours, and one that was issued before carries none of the new roles: " +
  'restarting the app does not help, waiting does.';

/** Complete as it is, whatever came of it. */
export function grantLines(report: GrantReport, style: Style, columns: number): readonly string[] {
  const { principal, roles, spare, stopped, mode, ok } = report;
  const indented = (text: string) =>
    text === '' ? [] : wrap(text, columns - INDENT.length).map((line) => INDENT + line);
  return [
    ...(mode === 'dryRun' ? ['Nothing is changed (--dry-run).'] : []),
    ...(principal === undefined
      ? []
      : wrap(`${style.bold(visible(principal.displayName) || principal.id)}: ${titleOf(principal)}`, columns)),
    '',
    ...roles.flatMap((one) => [
      `${style[OUTCOME[one.outcome].paint](OUTCOME[one.outcome].words)}  ${one.role}`,
      ...indented(`to ${one.reasons.join(', ')}`),
      ...indented(explanation(one)),
    ]),
    ...(spare.length === 0
      ? []
      : [
          '',
          ...wrap(
            `${style.warn('warning:')} it has ${plural(spare.length, 'role')} that Keyturn does not need: ${visible(spareText(spare))}. ` +
              'Take away what nothing else uses: portal, Enterprise applications, this application, Permissions.',
            columns,
          ),
        ]),
    '',
    ...endLines(stopped, ok, mode).flatMap((line) => wrap(line, columns)),
  ];
}

function titleOf({ id, appId, type }: NonNullable<GrantReport['principal']>): string {
  const kind = type === 'ManagedIdentity' ? 'managed identity' : 'application';
  return `${kind}, object id ${id}, application id ${appId}`;
}

function explanation({ outcome, httpStatus, requestId, roleId }: GrantedRole): string {
  const ids = requestId === undefined ? '' : ` (request ${requestId})`;
  switch (outcome) {
    case 'notOffered':
      return `Microsoft Graph in this tenant does not offer role ${roleId} of that name to applications: check GRAPH_CLOUD and TENANT_ID`;
    case 'refused':
      return `Microsoft Graph answered ${httpStatus ?? 'no'}${ids}: report it with the request id`;
    case 'unknown':
      return 'the answer was lost, and the role is not in the list (yet): run the command again, it looks first';
    default:
      return '';
  }
}

function endLines(stopped: GrantReport['stopped'], ok: boolean, mode: GrantReport['mode']): readonly string[] {
  if (stopped?.because === 'forbidden') {
    return [`Stopped: ${visible(stopped.message)}. What is listed as assigned stays assigned.`, ...WHO_MAY_GRANT];
  }
  if (stopped !== undefined) return [`Stopped: ${visible(stopped.message)}.`, 'Run the command again: it looks first.'];
  if (mode === 'dryRun') return [ok ? 'Run it without --dry-run to do it.' : 'Not all of it can be done; see above.'];
  if (!ok) return ['Not every role is there; see above.'];
  return [CACHE_NOTE, '`npx keyturn doctor` shows what the token carries.'];
}
