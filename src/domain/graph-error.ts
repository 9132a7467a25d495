/** The one error of the Graph boundary. Layer: domain. */

/**
 * - `unauthorized`: no token, or refused after one refresh. `forbidden`: a role is missing. `notFound`, `badRequest`: what they say.
 * - `throttled`: the wait is longer than the call may take; see `retryAfterMs`. `unavailable`: 5xx, timeout or reset until the deadline.
 * - `malformed`: the answer is not what the metadata promises; the message names the path.
 * - `untrustedLink`: a nextLink that leaves the Graph host or version, or loops; a redirect.
 */
export const GRAPH_ERROR_KINDS = [
  'unauthorized',
  'forbidden',
  'notFound',
  'badRequest',
  'throttled',
  'unavailable',
  'malformed',
  'untrustedLink',
] as const;
export type GraphErrorKind = (typeof GRAPH_ERROR_KINDS)[number];

export interface GraphErrorDetails {
  readonly status?: number;
  readonly retryAfterMs?: number;
  readonly requestId?: string;
  readonly clientRequestId?: string;
  /** With `forbidden`: the app roles that would do, when the token has none of them. */
  readonly missingRole?: string;
  readonly cause?: unknown;
}

/** A fault at Graph. The message is safe to print: it holds no payload, token or service URL with a query. */
export class GraphError extends Error {
  override readonly name = 'GraphError';
  readonly kind: GraphErrorKind;
  readonly status: number | undefined;
  /** With `throttled`: wait at least this long, ms. */
  readonly retryAfterMs: number | undefined;
  readonly requestId: string | undefined;
  readonly clientRequestId: string | undefined;
  /** With `forbidden`: the app roles to grant. `undefined`: the token has one, or cannot be read. */
  readonly missingRole: string | undefined;

  constructor(kind: GraphErrorKind, message: string, details: GraphErrorDetails = {}) {
    super(message);
    if (details.cause !== undefined) Object.defineProperty(this, 'cause', { value: details.cause, enumerable: false });
    this.kind = kind;
    this.status = details.status;
    this.retryAfterMs = details.retryAfterMs;
    this.requestId = details.requestId;
    this.clientRequestId = details.clientRequestId;
    this.missingRole = details.missingRole;
  }
}
