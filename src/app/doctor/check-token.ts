/** The token: whether there is one, whose, and what it may against what is needed. Pure. Layer: app. */
import type { NeededRole } from '../../domain/directory.ts';
import type { GraphError } from '../../domain/graph-error.ts';
import { plural } from '../../domain/plain-figures.ts';
import type { TokenFacts } from '../../domain/probes.ts';
import { spareRoles, spareText } from '../spare-roles.ts';
import { type Check, fail, ok, skipped, warn, withAdvice } from './check.ts';
import { list } from './words.ts';

/** What asking for a token ended in; `undefined`: it was not asked for. `opaque`: there is one that cannot be read. */
export type TokenFinding =
  | { readonly kind: 'read'; readonly facts: TokenFacts }
  | { readonly kind: 'opaque' }
  | { readonly kind: 'none'; readonly error: GraphError }
  | undefined;

/** Source: Azure managed identity documentation, "token caching" (read 2026-11-22). */
const CACHE_NOTE =
  "if it was granted within the last 24 hours, wait: Azure caches a managed identity's token that long, and an older one does not carry it";

/** Three checks. */
export function checkToken(found: TokenFinding, needed: readonly NeededRole[]): readonly Check[] {
  switch (found?.kind) {
    case undefined:
      return [skipped('token', 'settings'), skipped('roles', 'settings'), skipped('spareRoles', 'settings')];
    case 'none':
      return [noToken(found.error), skipped('roles', 'token'), skipped('spareRoles', 'token')];
    case 'opaque':
      return [
        warn(
          'token',
          'there is a token, but it cannot be read',
          'nothing; whether it is good for its work shows below',
        ),
        skipped('roles', { why: 'the token cannot be read; what it is good for shows below' }),
        skipped('spareRoles', { why: 'the token cannot be read' }),
      ];
    case 'read':
      return [whose(found.facts), checkRoles(found.facts, needed), checkSpare(found.facts, needed)];
  }
}

function noToken(error: GraphError): Check {
  if (error.kind === 'throttled') {
    return fail(
      'token',
      error.message,
      'in Azure, check that the app has a managed identity; on a laptop, sign in with "az login"; then try again',
    );
  }
  const { message, action } = withAdvice(error.message, 'sign in with "az login", or assign the managed identity');
  return fail('token', message, action);
}

function whose({ isPerson, objectId = 'unknown' }: TokenFacts): Check {
  if (!isPerson) return ok('token', `there is a token of this tenant, for the identity with object id ${objectId}`);
  return warn(
    'token',
    `the token is a person's (object id ${objectId}), so what follows is about that person, not about the app's identity`,
    "look at the app's own roles with `npx keyturn grant --principal ID --dry-run`, or run this where the app runs",
  );
}

function checkRoles({ roles, isPerson, objectId }: TokenFacts, needed: readonly NeededRole[]): Check {
  const absent = needed.filter(({ role }) => !roles.includes(role));
  if (absent.length === 0)
    return ok('roles', `the token carries all ${needed.length} roles: ${list(needed.map(({ role }) => role))}`);

  const isCovered = ({ reasons }: NeededRole) =>
    reasons.every(({ anyOf }) => anyOf.some((role) => roles.includes(role)));
  const missing = absent.filter((role) => !isCovered(role));
  if (missing.length > 0) {
    const grant = `\`npx keyturn grant --principal ${objectId ?? 'ID'}\` assigns it; ${CACHE_NOTE}`;
    return fail(
      'roles',
      `the token lacks ${list(missing.map(inWords))}`,
      isPerson
        ? "a person's token has these only if the app that signed in has them by consent; run this where the app runs"
        : grant,
    );
  }
  return warn(
    'roles',
    `instead of ${list(absent.map(inWords))} the token carries a broader role or another that does as well`,
    `\`npx keyturn grant --principal ${objectId ?? 'ID'}\` assigns what is meant; then take the broader one away`,
  );
}

function inWords({ role, reasons }: NeededRole): string {
  return `${role} (to ${list(reasons.map(({ title }) => title))})`;
}

function checkSpare({ roles, isPerson }: TokenFacts, needed: readonly NeededRole[]): Check {
  if (isPerson) return skipped('spareRoles', { why: "not judged: the token is a person's" });
  const spare = spareRoles(roles, needed);
  if (spare.length === 0) return ok('spareRoles', 'and none that it does not need');
  return warn(
    'spareRoles',
    `it also carries ${plural(spare.length, 'role')} that ${spare.length === 1 ? 'is' : 'are'} not needed: ${spareText(spare)}`,
    'take away what nothing else uses: portal, Enterprise applications, this application, Permissions',
  );
}
