/** Hands out tokens: cached, one request at a time, and really renewed when Graph rejected one. Layer: graph. */
import type { AccessToken, TokenCredential } from '@azure/core-auth';
import type { Clock } from '../domain/ports.ts';
import { scopesOf } from './credential.ts';
import { noTimeForToken, noToken, wrongTenant } from './errors.ts';

/** A token Graph answered with 401, and the claims it then asked for, if any. */
export interface RejectedToken {
  readonly token: string;
  readonly claims: string | undefined;
}

export interface TokenRequest {
  readonly signal: AbortSignal;
  /** Do not wait past this (our clock). */
  readonly deadlineAtMs: number;
  /** Get another one than this. When someone else already did, theirs is returned. */
  readonly refresh?: RejectedToken;
}

export interface TokenProvider {
  /**
   * @throws {GraphError} kind `unauthorized` when no credential gives one, or takes a minute; `throttled` when the deadline comes first.
   * @throws the signal's reason.
   */
  getToken(request: TokenRequest): Promise<string>;
}

/** Chosen: a token with less than this to live is renewed first, as the Azure SDKs do. */
const RENEW_BEFORE_MS = 5 * 60_000;
/** Chosen: how often a credential is asked that hands out tokens due for renewal, or none. */
const ASK_AGAIN_MS = 30_000;
/** Chosen: a credential that takes longer is not going to answer. */
const TOKEN_WAIT_MS = 60_000;
/** How many rejected tokens are remembered; two spellings of the scope need two. */
const REMEMBERED = 8;

interface CachedToken {
  readonly token: string;
  readonly expiresAtMs: number;
  readonly renewAtMs: number;
}

/**
 * @param deps.createCredential makes a credential; a second one is made when the first keeps handing out a rejected token.
 *
 * A refresh drops our copy and asks the credential, with the claims of the challenge when there are any. Should it hand out the rejected
 * token again, a new credential is asked for the other spelling of the scope: `ManagedIdentityCredential` passes neither `forceRefresh` nor
 * `claims` on, and its token cache, one per process, can only be passed by under another name.
 * Source: @azure/identity 4.14.1 `managedIdentityCredential/index.js`, @azure/msal-node `ManagedIdentityApplication` (read 2026-11-22).
 */
export function createTokenProvider(deps: {
  readonly createCredential: () => TokenCredential;
  readonly graphRoot: string;
  readonly clock: Clock;
  /** A readable token of another tenant is refused. */
  readonly tenantId?: string;
}): TokenProvider {
  const { clock, graphRoot, tenantId } = deps;
  let [scope, otherScope] = scopesOf(graphRoot);
  let credential: TokenCredential | undefined;
  let cached: CachedToken | undefined;
  let pending: Promise<CachedToken> | undefined;
  const rejectedTokens: string[] = [];

  function keep(access: AccessToken): CachedToken {
    const nowMs = clock.nowMs();
    const renewAtMs = access.refreshAfterTimestamp ?? access.expiresOnTimestamp - RENEW_BEFORE_MS;
    return {
      token: access.token,
      expiresAtMs: access.expiresOnTimestamp,
      renewAtMs: Math.max(renewAtMs, nowMs + ASK_AGAIN_MS),
    };
  }

  /** A credential that never answers must not be waited for ever after. */
  async function inTime<T>(work: Promise<T>): Promise<T> {
    const timer = new AbortController();
    const late = clock
      .sleep(TOKEN_WAIT_MS, timer.signal)
      .then(() => Promise.reject(Object.assign(new Error('the credential did not answer'), { code: 'TOKEN_TIMEOUT' })));
    // Also rejects once the timer is cancelled below, when nobody looks any more.
    late.catch(() => undefined);
    try {
      return await Promise.race([work, late]);
    } finally {
      timer.abort('done');
    }
  }

  async function ask(from: TokenCredential, claims?: string): Promise<CachedToken> {
    const access = await inTime(from.getToken(scope, { enableCae: true, ...(claims === undefined ? {} : { claims }) }));
    if (access === null) throw Object.assign(new Error('the credential gave no token'), { code: 'NO_TOKEN' });
    return keep(access);
  }

  /** An old token that still lives is better than none while the identity endpoint is down. */
  async function obtain(): Promise<CachedToken> {
    try {
      credential ??= deps.createCredential();
      return await ask(credential);
    } catch (error) {
      if (cached !== undefined && clock.nowMs() < cached.expiresAtMs) {
        return { ...cached, renewAtMs: clock.nowMs() + ASK_AGAIN_MS };
      }
      throw noToken(graphRoot, error);
    }
  }

  async function renew(claims: string | undefined): Promise<CachedToken> {
    try {
      credential ??= deps.createCredential();
      const again = await ask(credential, claims);
      if (!rejectedTokens.includes(again.token)) return again;
      [scope, otherScope] = [otherScope, scope];
      credential = deps.createCredential();
      return await ask(credential, claims);
    } catch (error) {
      throw noToken(graphRoot, error);
    }
  }

  /** All callers share one request to the credential. */
  function shared(start: () => Promise<CachedToken>): Promise<CachedToken> {
    pending ??= start().then(
      (fresh) => {
        pending = undefined;
        const found = tenantOf(fresh.token);
        if (tenantId !== undefined && found !== undefined && found !== tenantId) throw wrongTenant(found, tenantId);
        cached = fresh;
        return fresh;
      },
      (error: unknown) => {
        pending = undefined;
        throw error;
      },
    );
    return pending;
  }

  /** Waits for a request that is under way before starting another. */
  async function replace(rejected: RejectedToken): Promise<CachedToken> {
    if (pending !== undefined) {
      const fresh = await pending;
      if (!rejectedTokens.includes(fresh.token)) return fresh;
    }
    if (cached !== undefined && cached.token !== rejected.token) return cached;
    cached = undefined;
    return shared(() => renew(rejected.claims));
  }

  async function bounded(work: Promise<CachedToken>, request: TokenRequest): Promise<string> {
    request.signal.throwIfAborted();
    const timer = new AbortController();
    const leftMs = request.deadlineAtMs - clock.nowMs();
    const late = leftMs < TOKEN_WAIT_MS ? noTimeForToken(graphRoot) : noToken(graphRoot, { code: 'TOKEN_TIMEOUT' });
    const lateness = clock
      .sleep(Math.max(1, Math.min(leftMs, TOKEN_WAIT_MS)), AbortSignal.any([timer.signal, request.signal]))
      .then(() => Promise.reject(late));
    // Also rejects once the timer is cancelled below, when nobody looks any more.
    lateness.catch(() => undefined);
    try {
      return (await Promise.race([work, lateness])).token;
    } finally {
      timer.abort('done');
    }
  }

  return {
    async getToken(request) {
      const { refresh } = request;
      if (refresh === undefined) {
        if (cached !== undefined && clock.nowMs() < cached.renewAtMs) return cached.token;
        return bounded(shared(obtain), request);
      }
      if (cached !== undefined && cached.token !== refresh.token) return cached.token;
      if (!rejectedTokens.includes(refresh.token)) {
        rejectedTokens.push(refresh.token);
        if (rejectedTokens.length > REMEMBERED) rejectedTokens.shift();
      }
      return bounded(replace(refresh), request);
    },
  };
}

/**
 * The `roles` claim of an access token and, of a person's token on a laptop, the delegated permissions in `scp`, which have the same names.
 * Unverified: good for advice, not for decisions about trust. `undefined` when the token is opaque.
 * Source: Entra ID documentation, "Access token claims reference" (read 2026-11-22).
 */
export function rolesOf(token: string): readonly string[] | undefined {
  const claims = claimsIn(token);
  if (claims === undefined) return undefined;
  const { roles, scp } = claims;
  return [
    ...(Array.isArray(roles) ? roles.filter((role) => typeof role === 'string') : []),
    ...(typeof scp === 'string' ? scp.split(' ').filter((scope) => scope !== '') : []),
  ];
}

/** The tenant a readable token was issued for, lower case. */
function tenantOf(token: string): string | undefined {
  const tid = claimsIn(token)?.tid;
  return typeof tid === 'string' ? tid.toLowerCase() : undefined;
}

/** The payload of a JWT, unverified; `undefined` when the token is opaque. */
export function claimsIn(
  token: string,
): Readonly<Partial<Record<'roles' | 'scp' | 'tid' | 'oid', unknown>>> | undefined {
  const [, payload, signature] = token.split('.');
  if (payload === undefined || signature === undefined) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null ? claims : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
