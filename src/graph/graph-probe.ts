/** The `GraphProbe` port: whether Graph answers at all, and what a token says. Layer: graph. */
import type { TokenCredential } from '@azure/core-auth';
import { createHttpHeaders, createPipelineRequest, type HttpClient } from '@azure/core-rest-pipeline';
import type { Clock, Random } from '../domain/ports.ts';
import type { GraphProbe, TokenFacts } from '../domain/probes.ts';
import { parseHttpDate } from '../domain/retry-after.ts';
import type { Settings } from '../domain/settings.ts';
import { createGraphPipeline } from './pipeline.ts';
import { faultCode, hostOf, safeRequestId } from './redaction.ts';
import { sendTimed } from './timed-send.ts';
import { claimsIn, createTokenProvider, rolesOf } from './token-provider.ts';

export interface GraphProbeDeps {
  readonly settings: Pick<Settings, 'graphRoot' | 'tenantId'>;
  readonly createCredential: () => TokenCredential;
  readonly clock: Clock;
  readonly random: Random;
  readonly version: string;
  /** The transport. */
  readonly httpClient: HttpClient;
}

/** A `Date` header names a whole second. Source: RFC 9110 section 5.6.7 (read 2026-11-22). */
const DATE_RESOLUTION_MS = 1_000;

/** @throws {TypeError} when the Graph root is plain http to another machine. */
export function createGraphProbe(deps: GraphProbeDeps): GraphProbe {
  const { clock, createCredential } = deps;
  const { graphRoot, tenantId } = deps.settings;
  const send = createGraphPipeline(graphRoot, deps.httpClient);
  const tokens = createTokenProvider({ createCredential, graphRoot, clock, tenantId });

  return {
    host: hostOf(graphRoot),

    async reach(timeoutMs, signal) {
      signal.throwIfAborted();
      // The root of the version: whatever Graph answers to it without a token, it answers at once.
      const request = createPipelineRequest({
        url: `${graphRoot}/v1.0/`,
        headers: createHttpHeaders({
          Accept: 'application/json',
          'User-Agent': `keyturn/${deps.version}`,
          'client-request-id': deps.random.guid(),
        }),
        allowInsecureConnection: graphRoot.startsWith('http:'),
      });
      const sentAtMs = clock.nowMs();
      const sent = await sendTimed(send, request, clock, { timeoutMs, signal });
      const receivedAtMs = clock.nowMs();
      if (sent.kind === 'aborted') throw signal.reason;
      if (sent.kind === 'timedOut') return { kind: 'unreachable', code: 'ETIMEDOUT' };
      if (sent.kind === 'failed') return { kind: 'unreachable', code: faultCode(sent.error) };
      const { headers, status } = sent.response;
      // Every answer of Graph carries one. Source: Microsoft Graph documentation, "Errors" (read 2026-11-22).
      if (safeRequestId(headers.get('request-id')) === undefined) return { kind: 'foreign', httpStatus: status };
      const dateMs = parseHttpDate(headers.get('date'));
      if (dateMs === undefined) return { kind: 'reached' };
      return {
        kind: 'reached',
        ahead: { leastMs: dateMs - receivedAtMs, mostMs: dateMs + DATE_RESOLUTION_MS - sentAtMs },
      };
    },

    async token(options) {
      return factsOf(await tokens.getToken({ signal: options.signal, deadlineAtMs: options.deadlineAtMs }));
    },
  };
}

/** Source: Entra ID documentation, "Access token claims reference": `oid`, `scp` (read 2026-11-22). */
function factsOf(token: string): TokenFacts | undefined {
  const claims = claimsIn(token);
  if (claims === undefined) return undefined;
  const { oid, scp } = claims;
  return {
    roles: rolesOf(token) ?? [],
    isPerson: typeof scp === 'string',
    ...(typeof oid === 'string' ? { objectId: oid.toLowerCase() } : {}),
  };
}
