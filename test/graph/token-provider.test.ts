import type { AccessToken, TokenCredential } from '@azure/core-auth';
import { describe, expect, it } from 'vitest';
import { createTokenProvider } from '../../src/graph/token-provider.ts';
import { createVirtualClock } from '../../src/simulator/virtual-clock.ts';
import { createFakeCredential, GRAPH_ROOT, PLANTED_PASSWORD, rejection, START_MS } from './fakes.ts';

const HOUR_MS = 3_600_000;

/** A provider over credentials made by `create`, on the virtual clock. */
function bench(create: (n: number) => TokenCredential, tenantId?: string) {
  const clock = createVirtualClock(START_MS);
  const made: TokenCredential[] = [];
  const provider = createTokenProvider({
    createCredential: () => {
      const credential = create(made.length + 1);
      made.push(credential);
      return credential;
    },
    graphRoot: GRAPH_ROOT,
    clock,
    ...(tenantId === undefined ? {} : { tenantId }),
  });
  const request = () => ({ signal: new AbortController().signal, deadlineAtMs: clock.nowMs() + 600_000 });
  return { clock, made, provider, request };
}

const credentialOf = (getToken: (scope: string) => Promise<AccessToken | null>): TokenCredential => ({
  getToken: (scopes) => getToken(String(scopes)),
});

describe('createTokenProvider', () => {
  it('asks the credential once for many callers, and again before the token ends', async () => {
    const credential = createFakeCredential({ nowMs: () => START_MS, sleep: () => Promise.resolve() });
    const { clock, provider, request } = bench(() => credential);
    const tokens = await clock.run(async () => {
      const first = await Promise.all([1, 2, 3].map(() => provider.getToken(request())));
      await clock.sleep(HOUR_MS - 5 * 60_000 - 1);
      const late = await provider.getToken(request());
      await clock.sleep(1);
      return [...first, late, await provider.getToken(request())];
    });
    expect(tokens).toEqual(['token-1', 'token-1', 'token-1', 'token-1', 'token-2']);
  });

  it.each([
    ['another tenant', '22222222-2222-4222-8222-222222222222', false],
    ['the same tenant', '11111111-1111-4111-8111-111111111111', true],
  ])('takes a token of %s only when it is that of the settings', async (_what, tid, isTaken) => {
    const payload = Buffer.from(JSON.stringify({ tid })).toString('base64url');
    const token = `e30.${payload}.c2ln`;
    const { clock, provider, request } = bench(
      () => credentialOf(async () => ({ token, expiresOnTimestamp: START_MS + HOUR_MS })),
      '11111111-1111-4111-8111-111111111111',
    );
    const got = clock.run(() => provider.getToken(request()));
    if (isTaken) expect(await got).toBe(token);
    else
      await expect(got).rejects.toThrow(
        `the token is for tenant ${tid}, but TENANT_ID is 11111111-1111-4111-8111-111111111111`,
      );
  });

  it('keeps a living token while the credential fails, and asks again half a minute later', async () => {
    let calls = 0;
    const { clock, provider, request } = bench(() =>
      credentialOf(async () => {
        calls += 1;
        if (calls === 2) throw new Error('endpoint down');
        return { token: `t${calls}`, expiresOnTimestamp: START_MS + HOUR_MS };
      }),
    );
    const tokens = await clock.run(async () => {
      const first = await provider.getToken(request());
      await clock.sleep(HOUR_MS - 4 * 60_000);
      const stale = await provider.getToken(request());
      await clock.sleep(30_000);
      return [first, stale, await provider.getToken(request())];
    });
    expect(tokens).toEqual(['t1', 't1', 't3']);
  });

  it('does not ask on every call for a token that is handed out short-lived', async () => {
    let calls = 0;
    const { clock, provider, request } = bench(() =>
      credentialOf(async () => ({ token: `t${++calls}`, expiresOnTimestamp: START_MS })),
    );
    await clock.run(async () => {
      for (let i = 0; i < 10; i++) await provider.getToken(request());
    });
    expect(calls).toBe(1);
  });

  it('gets another token on refresh, once for all who hold the rejected one', async () => {
    const { clock, made, provider, request } = bench(() => createFakeCredential(createVirtualClock(START_MS)));
    const tokens = await clock.run(async () => {
      const token = await provider.getToken(request());
      const refresh = { token, claims: undefined };
      const renewed = await Promise.all([1, 2, 3].map(() => provider.getToken({ ...request(), refresh })));
      return [
        token,
        ...renewed,
        await provider.getToken({ ...request(), refresh }),
        await provider.getToken(request()),
      ];
    });
    expect(tokens).toEqual(['token-1', ...Array(5).fill('token-2')]);
    expect(made).toHaveLength(1);
  });

  it('passes by a credential that keeps handing out the rejected token, under the other spelling of the scope', async () => {
    // Like the managed identity's token cache: one per process, keyed by scope, no way to empty it.
    const cache = new Map<string, string>();
    const asked: string[] = [];
    const { clock, made, provider, request } = bench(() =>
      credentialOf(async (scope) => {
        asked.push(scope);
        if (!cache.has(scope)) cache.set(scope, `token-${cache.size + 1}`);
        return { token: cache.get(scope) ?? '', expiresOnTimestamp: START_MS + HOUR_MS };
      }),
    );
    const tokens = await clock.run(async () => {
      const token = await provider.getToken(request());
      const renewed = await provider.getToken({ ...request(), refresh: { token, claims: undefined } });
      return [token, renewed, await provider.getToken(request())];
    });
    expect(tokens).toEqual(['token-1', 'token-2', 'token-2']);
    expect(asked).toEqual([`${GRAPH_ROOT}/.default`, `${GRAPH_ROOT}/.default`, `${GRAPH_ROOT}//.default`]);
    expect(made).toHaveLength(2);
  });

  it('hands out the rejected token when there is no other, and leaves the verdict to Graph', async () => {
    const { clock, provider, request } = bench(() =>
      credentialOf(async () => ({ token: 'the only one', expiresOnTimestamp: START_MS + HOUR_MS })),
    );
    const refresh = { token: 'the only one', claims: undefined };
    expect(await clock.run(() => provider.getToken({ ...request(), refresh }))).toBe('the only one');
  });

  it.each([
    [
      'fails',
      () => Promise.reject(new Error(`AADSTS700016: application ${PLANTED_PASSWORD} not found`)),
      'AADSTS700016',
    ],
    ['gives none', () => Promise.resolve(null), 'NO_TOKEN'],
    [
      'is unavailable',
      () => Promise.reject(Object.assign(new Error(PLANTED_PASSWORD), { name: 'CredentialUnavailableError' })),
      'CredentialUnavailableError',
    ],
  ])('is unauthorized when the credential %s, and says what to do', async (_name, getToken, code) => {
    const { clock, provider, request } = bench(() => credentialOf(getToken));
    for (const refresh of [undefined, { token: 'x', claims: undefined }]) {
      const error = await clock.run(() => rejection(provider.getToken({ ...request(), ...(refresh && { refresh }) })));
      expect(error).toMatchObject({
        kind: 'unauthorized',
        message: expect.stringMatching(`${code}.*managed identity.*az login`),
      });
    }
  });

  it('is unauthorized when the credential cannot even be made', async () => {
    const { clock, provider, request } = bench(() => {
      throw new TypeError('bad client id');
    });
    expect(await clock.run(() => rejection(provider.getToken(request())))).toMatchObject({ kind: 'unauthorized' });
  });

  it('waits a minute for a credential, and no longer than the call may take', async () => {
    const { clock, provider, request } = bench(() => credentialOf(() => new Promise(() => undefined)));
    const slow = await clock.run(() => rejection(provider.getToken(request())));
    expect(slow).toMatchObject({ kind: 'unauthorized', message: expect.stringContaining('TOKEN_TIMEOUT') });
    expect(clock.nowMs()).toBe(START_MS + 60_000);
    const short = await clock.run(() =>
      rejection(provider.getToken({ ...request(), deadlineAtMs: clock.nowMs() + 5000 })),
    );
    expect(short).toMatchObject({ kind: 'throttled' });
    expect(clock.nowMs()).toBe(START_MS + 65_000);
  });

  it("rejects with the signal's reason, without failing the others who wait", async () => {
    const { clock, provider, request } = bench(() =>
      credentialOf(async () => {
        await clock.sleep(1000);
        return { token: 'late', expiresOnTimestamp: START_MS + HOUR_MS };
      }),
    );
    const stop = new AbortController();
    const reason = new Error('the host stops');
    const [aborted, patient] = await clock.run(() => {
      void clock.sleep(500).then(() => stop.abort(reason));
      return Promise.all([
        rejection(provider.getToken({ ...request(), signal: stop.signal })),
        provider.getToken(request()),
      ]);
    });
    expect(aborted).toBe(reason);
    expect(patient).toBe('late');
  });
});
