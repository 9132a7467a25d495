/** One attempt at one request: paced, authorised, timed, counted, logged. Decides nothing. Layer: graph. */
import { createHttpHeaders, createPipelineRequest, type SendRequest } from '@azure/core-rest-pipeline';
import type { Demand, Pacer } from '../domain/pacer.ts';
import type { CallOptions, Clock, LogFields, Logger, Random } from '../domain/ports.ts';
import type { RequestClass } from '../domain/request-class.ts';
import { PROXY_REFUSED } from '../outbound/http-client.ts';
import type { GraphOperation } from './app-roles.ts';
import { outOfTime } from './errors.ts';
import { faultCode, safeRequestId } from './redaction.ts';
import { retryAfterMsOf } from './retry-after.ts';
import type { ServerClock, ServerInterval } from './server-clock.ts';
import { sendTimed } from './timed-send.ts';
import type { TokenProvider } from './token-provider.ts';
import type { Meter } from './usage.ts';

/** A request is given up after this. Chosen: Graph's own gateways answer 504 within it; a longer silence is not going to end well. */
export const REQUEST_TIMEOUT_MS = 30_000;

/** What to send. */
export interface GraphRequest {
  readonly operation: GraphOperation;
  readonly method: 'GET' | 'POST' | 'PATCH';
  /** Absolute, on the Graph host. */
  readonly url: string;
  /** JSON text; absent: no body and no content type. */
  readonly body?: string;
  readonly demand: Demand;
  /** The narrowest class the request counts in: what a 429 pauses. */
  readonly requestClass: RequestClass;
  /** `waitForAnswer`: an aborted signal stops nothing that is already on its way. */
  readonly onAbort: 'abandon' | 'waitForAnswer';
  /** A status beyond 2xx whose body is an answer all the same. */
  readonly alsoOk?: number;
  /** A GUID; absent: a fresh one. */
  readonly clientRequestId?: string;
}

/** What came back. */
export interface Answer {
  readonly kind: 'answer';
  readonly status: number;
  readonly body: string;
  readonly retryAfterMs: number | undefined;
  readonly requestId: string | undefined;
  readonly clientRequestId: string;
  /** When it left, by our clock. */
  readonly sentAtMs: number;
  /** When Graph handled it, by its own clock. */
  readonly handled: ServerInterval;
  /** The answer's `Date` header. */
  readonly date: string | undefined;
  /** After a 401: gets another token than the one this was sent with. @throws {GraphError} kind `unauthorized`. */
  reauthorize(options: CallOptions): Promise<void>;
}

/** Nothing came back. `sent`: Graph may have seen it. */
export interface Fault {
  readonly kind: 'fault';
  readonly sent: boolean;
  readonly code: string;
  readonly clientRequestId: string;
}

export type Attempt = Answer | Fault;

export interface AttemptDeps {
  readonly graphRoot: string;
  readonly send: SendRequest;
  readonly tokens: TokenProvider;
  readonly pacer: Pacer;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly meter: Meter;
  readonly serverClock: ServerClock;
  readonly version: string;
  readonly requestTimeoutMs: number;
}

export interface Attempts {
  /**
   * Sends the request once, if it may still leave.
   * @throws {GraphError} kind `throttled` when the quota's wait or the token took past the deadline, `unauthorized` without a token.
   * @throws the signal's reason when aborted before sending, or, with `onAbort: 'abandon'`, before the answer. Nothing else after sending.
   */
  attempt(request: GraphRequest, options: CallOptions): Promise<Attempt>;
}

/** No connection was ever made, so nothing was sent. */
const NEVER_CONNECTED: ReadonlySet<string> = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  PROXY_REFUSED,
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_HAS_EXPIRED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** A claims challenge: `Bearer …, error="insufficient_claims", claims="<base64>"`. Source: Entra ID documentation, "Claims challenges" (read 2026-11-22). */
function claimsOf(challenge: string | undefined): string | undefined {
  if (challenge === undefined || !/\berror="insufficient_claims"/.test(challenge)) return undefined;
  const encoded = /\bclaims="([A-Za-z0-9+/=_-]+)"/.exec(challenge)?.[1];
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString('utf8');
}

/** Attempts that share a pacer, a token and a view of Graph's clock. */
export function createAttempts(deps: AttemptDeps): Attempts {
  const { clock, meter, serverClock, tokens } = deps;
  const userAgent = `keyturn/${deps.version}`;

  function wireRequest(request: GraphRequest, token: string, clientRequestId: string) {
    const headers = createHttpHeaders({
      Accept: 'application/json',
      Authorization: `Bearer ${token}`,
      'User-Agent': userAgent,
      'client-request-id': clientRequestId,
    });
    if (request.body !== undefined) headers.set('Content-Type', 'application/json');
    return createPipelineRequest({
      url: request.url,
      method: request.method,
      headers,
      allowInsecureConnection: deps.graphRoot.startsWith('http:'),
      ...(request.body === undefined ? {} : { body: request.body }),
    });
  }

  async function attempt(request: GraphRequest, options: CallOptions): Promise<Attempt> {
    options.signal.throwIfAborted();
    const permit = await deps.pacer.acquire(request.demand, options);
    let left = false;
    try {
      const token = await tokens.getToken(options);
      options.signal.throwIfAborted();
      const sentAtMs = clock.nowMs();
      if (sentAtMs > options.deadlineAtMs) {
        throw outOfTime({ operation: request.operation, graphRoot: deps.graphRoot }, 0);
      }
      const clientRequestId = request.clientRequestId ?? deps.random.guid();
      left = true;
      meter.sent(sentAtMs, request.demand.write ?? 0);
      const sent = await sendTimed(deps.send, wireRequest(request, token, clientRequestId), clock, {
        ...(request.onAbort === 'abandon'
          ? {
              signal: options.signal,
              timeoutMs: Math.min(deps.requestTimeoutMs, Math.max(1, options.deadlineAtMs - sentAtMs)),
            }
          : { timeoutMs: deps.requestTimeoutMs }),
      });
      const receivedAtMs = clock.nowMs();
      const log = (fields: LogFields) =>
        deps.logger.debug('graph request', {
          method: request.method,
          route: request.operation,
          clientRequestId,
          durationMs: receivedAtMs - sentAtMs,
          ...fields,
        });

      if (sent.kind === 'aborted') throw options.signal.reason;
      if (sent.kind !== 'response') {
        const code = sent.kind === 'failed' ? faultCode(sent.error) : 'TIMEOUT';
        log({ code });
        left = !NEVER_CONNECTED.has(code);
        return { kind: 'fault', sent: left, code, clientRequestId };
      }

      const { status, headers, bodyAsText } = sent.response;
      const header = (name: string) => headers.get(name);
      const requestId = safeRequestId(header('request-id'));
      const date = header('date');
      log({ status, requestId });
      if (status === 429) meter.throttled();
      return {
        kind: 'answer',
        status,
        body: bodyAsText ?? '',
        retryAfterMs:
          status >= 400 ? retryAfterMsOf({ header, body: bodyAsText ?? '', nowMs: receivedAtMs }) : undefined,
        requestId,
        clientRequestId,
        sentAtMs,
        handled: serverClock.observe({ date, sentAtMs, receivedAtMs }),
        date,
        reauthorize: async (again) => {
          const claims = claimsOf(header('www-authenticate'));
          await tokens.getToken({ ...again, refresh: { token, claims } });
        },
      };
    } finally {
      if (left) permit.answered();
      else permit.unused();
    }
  }

  return { attempt };
}
