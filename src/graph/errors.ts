/** Makes every `GraphError`: closed kinds, and messages that say what to do and hold nothing of the answer. Layer: graph. */
import { GraphError, type GraphErrorDetails } from '../domain/graph-error.ts';
import { type GraphOperation, lacksRole, OPERATION_ROLES } from './app-roles.ts';
import { entraCode, faultCode, hostOf } from './redaction.ts';

/** Where an error belongs. */
export interface ErrorContext {
  readonly operation: GraphOperation;
  readonly graphRoot: string;
  readonly details?: GraphErrorDetails;
}

const titleOf = (context: ErrorContext): string => OPERATION_ROLES[context.operation].title;

/** An error that names what happened and nothing else: library errors carry requests, and requests carry the token. */
function bareCause(code: string): Error {
  const cause = new Error(code);
  cause.stack = `Error: ${code}`;
  return cause;
}

/** No credential gave a token. */
export function noToken(graphRoot: string, error: unknown): GraphError {
  const code = entraCode(error) ?? faultCode(error);
  return new GraphError(
    'unauthorized',
    `no token for ${hostOf(graphRoot)} (${code}): in Azure, check that the app has a managed identity and that AZURE_CLIENT_ID, ` +
      'if set, names one assigned to it; on a laptop, sign in with "az login"',
    { cause: bareCause(code) },
  );
}

/** The call's deadline came before the credential answered. */
export function noTimeForToken(graphRoot: string): GraphError {
  return new GraphError('throttled', `no time left to wait for a token for ${hostOf(graphRoot)}`, { retryAfterMs: 0 });
}

/** 401, again after one refresh. */
export function unauthorized(context: ErrorContext): GraphError {
  return new GraphError(
    'unauthorized',
    `Graph did not accept the token to ${titleOf(context)} (401), nor a refreshed one: check that TENANT_ID, GRAPH_CLOUD and ` +
      "GRAPH_ENDPOINT belong together, that the identity still exists, and that this machine's clock is right",
    { ...context.details, status: 401 },
  );
}

/** The identity belongs to another tenant than the settings name: its runs would stand in another ledger than they should. */
export function wrongTenant(found: string, expected: string): GraphError {
  return new GraphError(
    'unauthorized',
    `the token is for tenant ${found}, but TENANT_ID is ${expected}: correct the setting, or sign in to that tenant`,
  );
}

/** 403, still after the bounded retry. `granted`: the roles in the token, `undefined` when it cannot be read. */
export function forbidden(context: ErrorContext, granted?: readonly string[]): GraphError {
  const { needs } = OPERATION_ROLES[context.operation];
  const role = needs.length === 0 ? 'a role that allows it' : `the Graph application role ${needs.join(' and ')}`;
  return new GraphError(
    'forbidden',
    `Graph refused to ${titleOf(context)} (403): the app's identity needs ${role}. ` +
      "If it was granted just now, wait: a managed identity's token is cached for up to 24 h, and an older one does not carry the role",
    {
      ...context.details,
      status: 403,
      ...(lacksRole(context.operation, granted) ? { missingRole: needs.join(' and ') } : {}),
    },
  );
}

/** 404 or 410. */
export function notFound(context: ErrorContext, status: number): GraphError {
  return new GraphError('notFound', `Graph found nothing to ${titleOf(context)} (${status})`, {
    ...context.details,
    status,
  });
}

/** Any other 4xx. */
export function badRequest(context: ErrorContext, status: number): GraphError {
  return new GraphError(
    'badRequest',
    `Graph refused the request to ${titleOf(context)} as wrong (${status}): retrying will not help. Check GRAPH_ENDPOINT and that ` +
      'the tenant has Intune; if both are right, report this with its request id',
    { ...context.details, status },
  );
}

/** A redirect, or a status that means nothing here. */
export function unexpectedStatus(context: ErrorContext, status: number): GraphError {
  return new GraphError(
    'untrustedLink',
    `Graph answered the request to ${titleOf(context)} with ${status}, which is not followed, so that the token stays on ` +
      `${hostOf(context.graphRoot)}: check GRAPH_ENDPOINT, and any proxy in between`,
    { ...context.details, status },
  );
}

/** The last thing that went wrong: a fault code, or a status and the wait it asked for. */
export type LastFault =
  | { readonly code: string }
  | { readonly status: number; readonly retryAfterMs: number | undefined };

/** 5xx, 408, timeout or network fault until attempts or deadline ran out. */
export function unavailable(context: ErrorContext, last: LastFault): GraphError {
  const why = 'code' in last ? last.code : String(last.status);
  const answered =
    'code' in last
      ? {}
      : { status: last.status, ...(last.retryAfterMs === undefined ? {} : { retryAfterMs: last.retryAfterMs }) };
  return new GraphError(
    'unavailable',
    `Graph at ${hostOf(context.graphRoot)} did not manage to ${titleOf(context)} (${why}): try again later; if it lasts, check the ` +
      'network, HTTPS_PROXY and GRAPH_ENDPOINT, and the service health of Intune',
    { ...context.details, ...answered, cause: bareCause(why) },
  );
}

/** The call's deadline came before anything could be sent. */
export function outOfTime(context: ErrorContext, retryAfterMs: number): GraphError {
  return new GraphError('throttled', `no time left to ${titleOf(context)}: it goes on in the next invocation`, {
    ...context.details,
    retryAfterMs,
  });
}

/** `path` such as `value[3].lastSyncDateTime`; `expected` in words of ours. */
export function malformed(context: ErrorContext, path: string, expected: string): GraphError {
  return new GraphError(
    'malformed',
    `Graph's answer to the request to ${titleOf(context)} is malformed at ${path}: expected ${expected}. ` +
      'Try again; if it stays, report this path with its request id',
    context.details ?? {},
  );
}

/** A nextLink that must not be followed. */
export function untrustedLink(context: ErrorContext, why: string): GraphError {
  return new GraphError(
    'untrustedLink',
    `Graph's next page while trying to ${titleOf(context)} was not followed: ${why}. The token goes to ${hostOf(context.graphRoot)} only; ` +
      'check GRAPH_ENDPOINT, and run again to list from the beginning',
    context.details ?? {},
  );
}
