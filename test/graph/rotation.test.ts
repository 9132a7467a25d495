import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseManagedDeviceId } from '../../src/domain/ids.ts';
import type { RotationRoute } from '../../src/domain/targets.ts';
import { createBench, errorBody, jwt, REQUEST_ID, type Reply, rejection, START_MS } from './fakes.ts';

const managedDeviceId = parseManagedDeviceId('11111111-0000-4000-8000-000000000001');
const CLIENT_REQUEST_ID = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const fail = (status: number, headers: Record<string, string> = {}): Reply => ({ status, headers, body: errorBody() });
const ACCEPTED: Reply = { status: 204 };
const state = { scriptId: 's1', deviceRunStateId: 's1:d1' };

/** The seven forms, and the path below `/deviceManagement` each of them takes. */
const ROUTES: readonly (readonly [string, RotationRoute, string])[] = [
  ['managedDevices', { via: 'managedDevice', managedDeviceId: 'd1' }, 'managedDevices/d1'],
  ['comanagedDevices', { via: 'comanagedDevice', managedDeviceId: 'd1' }, 'comanagedDevices/d1'],
  [
    'a health script',
    { via: 'deviceHealthScript', ...state },
    'deviceHealthScripts/s1/deviceRunStates/s1%3Ad1/managedDevice',
  ],
  [
    'a management script',
    { via: 'deviceManagementScript', ...state },
    'deviceManagementScripts/s1/deviceRunStates/s1%3Ad1/managedDevice',
  ],
  [
    'a compliance script',
    { via: 'deviceComplianceScript', ...state },
    'deviceComplianceScripts/s1/deviceRunStates/s1%3Ad1/managedDevice',
  ],
  [
    "a script's user",
    { via: 'scriptUser', ...state, userId: 'ann@contoso.com', managedDeviceId: 'd2' },
    'deviceManagementScripts/s1/deviceRunStates/s1%3Ad1/managedDevice/users/ann%40contoso.com/managedDevices/d2',
  ],
  [
    "a script's detected app",
    { via: 'scriptDetectedApp', ...state, detectedAppId: 'app', managedDeviceId: 'd2' },
    'deviceManagementScripts/s1/deviceRunStates/s1%3Ad1/managedDevice/detectedApps/app/managedDevices/d2',
  ],
];

/** Asks for one rotation and gives what came of it. */
async function rotate(reply: (n: number) => Reply, forMs?: number, token = 'opaque') {
  const bench = createBench((_seen, n) => reply(n), { tokenOf: (n) => (token === 'opaque' ? `token-${n}` : token) });
  const outcome = await bench.run(() =>
    bench.tenant
      .requestRotation({ via: 'managedDevice', managedDeviceId }, bench.options(forMs))
      .catch((error: unknown) => error),
  );
  expect(bench.pacer.permits.open).toBe(0);
  return { bench, outcome, tookMs: bench.clock.nowMs() - START_MS };
}

describe('requestRotation', () => {
  it('posts to beta, without body or content type, and counts as a write and in any', async () => {
    const { bench } = await rotate(() => ACCEPTED);
    expect(bench.http.seen).toHaveLength(1);
    expect(bench.http.seen[0]).toMatchObject({
      method: 'POST',
      path: `/beta/deviceManagement/managedDevices/${managedDeviceId}/rotateBitLockerKeys`,
      body: undefined,
    });
    expect(Object.keys(bench.http.seen[0]?.headers ?? {})).not.toContain('content-type');
    expect(bench.pacer.acquired).toEqual([{ write: 1, any: 1 }]);
    expect(bench.pacer.permits).toEqual({ answered: 1, unused: 0, open: 0 });
  });

  it("is accepted between the Date less the round trip and the end of the Date's second", async () => {
    const { outcome } = await rotate(() => ({ ...ACCEPTED, afterMs: 2300 }));
    expect(outcome).toEqual({
      kind: 'accepted',
      // The answer is dated 12:00:02, by Graph's clock.
      acceptedAfterMs: START_MS + 2000 - 2300,
      acceptedByMs: START_MS + 3000,
      httpStatus: 204,
      requestId: REQUEST_ID,
      clientRequestId: CLIENT_REQUEST_ID(1),
    });
  });

  it('counts the round trip of the attempt that was accepted, not of those before', async () => {
    const { outcome } = await rotate((n) =>
      n === 1 ? { ...fail(429), afterMs: 5000 } : { ...ACCEPTED, afterMs: 100 },
    );
    expect(outcome).toMatchObject({ acceptedAfterMs: START_MS + 25_000 - 100, acceptedByMs: START_MS + 26_000 });
  });

  it("falls back on what it learnt of Graph's clock when a 204 has no Date", async () => {
    const dated = new Date(START_MS + 86_400_000).toUTCString();
    const { outcome } = await rotate((n) =>
      n === 1 ? fail(429, { 'retry-after': '1', date: dated }) : { ...ACCEPTED, headers: { date: '' } },
    );
    expect(outcome).toMatchObject({ acceptedAfterMs: START_MS + 86_401_000, acceptedByMs: START_MS + 86_402_000 });
  });

  it('leaves out a request id that is not one', async () => {
    const { outcome } = await rotate(() => ({ ...ACCEPTED, headers: { 'request-id': '111111-222222' } }));
    expect(outcome).not.toHaveProperty('requestId');
  });

  it.each([400, 404, 405, 409, 410, 412, 422, 423])('is refused on %i, once', async (status) => {
    const { bench, outcome } = await rotate(() => fail(status));
    expect(outcome).toEqual({
      kind: 'refused',
      httpStatus: status,
      requestId: REQUEST_ID,
      clientRequestId: CLIENT_REQUEST_ID(1),
    });
    expect(bench.http.seen).toHaveLength(1);
  });

  it.each([408, 500, 502, 503, 504, 200, 202, 302])('is uncertain on %i, and never sent again', async (status) => {
    const { bench, outcome } = await rotate(() => fail(status, { 'retry-after': '1' }));
    expect(outcome).toMatchObject({ kind: 'uncertain', httpStatus: status, clientRequestId: CLIENT_REQUEST_ID(1) });
    expect(bench.http.seen).toHaveLength(1);
  });

  it.each(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'PARSE_ERROR'])(
    'is uncertain after %s, and never sent again',
    async (fault) => {
      const { bench, outcome } = await rotate(() => ({ fault }));
      expect(outcome).toEqual({ kind: 'uncertain', clientRequestId: CLIENT_REQUEST_ID(1) });
      expect(bench.http.seen).toHaveLength(1);
    },
  );

  it('is uncertain when no answer comes within 30 s', async () => {
    const { bench, outcome, tookMs } = await rotate(() => ({ hang: true }));
    expect(outcome).toEqual({ kind: 'uncertain', clientRequestId: CLIENT_REQUEST_ID(1) });
    expect(tookMs).toBe(30_000);
    expect(bench.pacer.permits).toEqual({ answered: 1, unused: 0, open: 0 });
  });

  it.each(['ENOTFOUND', 'ECONNREFUSED', 'ERR_TLS_CERT_ALTNAME_INVALID'])(
    'connects again after %s, since nothing was sent, and throws when that lasts',
    async (fault) => {
      const short = await rotate((n) => (n < 3 ? { fault } : ACCEPTED));
      expect(short.outcome).toMatchObject({ kind: 'accepted' });
      expect(short.bench.pacer.permits).toEqual({ answered: 1, unused: 2, open: 0 });
      const lasting = await rotate(() => ({ fault }));
      expect(lasting.outcome).toMatchObject({ kind: 'unavailable', message: expect.stringContaining(fault) });
    },
  );

  it('tells the pacer of a 429 in the write class, and asks again', async () => {
    const { bench, outcome, tookMs } = await rotate((n) => (n <= 3 ? fail(429, { 'retry-after': '2.128' }) : ACCEPTED));
    expect(outcome).toMatchObject({ kind: 'accepted' });
    expect(bench.pacer.pauses).toEqual(Array(3).fill({ requestClass: 'write', retryAfterMs: 2128 }));
    expect(tookMs).toBe(3 * 2128);
  });

  it('carries the id it was given, and each repeat one of its own, so that the one that was taken can be found again', async () => {
    const bench = createBench((_seen, n) => (n <= 2 ? fail(429, { 'retry-after': '1' }) : ACCEPTED));
    const clientRequestId = 'a0000000-0000-8000-8000-000000000001';
    const outcome = await bench.run(() =>
      bench.tenant.requestRotation({ via: 'managedDevice', managedDeviceId }, { ...bench.options(), clientRequestId }),
    );
    const ids = bench.http.seen.map(({ headers }) => headers['client-request-id']);
    expect(ids).toEqual([clientRequestId, CLIENT_REQUEST_ID(1), CLIENT_REQUEST_ID(2)]);
    expect(outcome).toMatchObject({ kind: 'accepted', clientRequestId: CLIENT_REQUEST_ID(2) });
  });

  it('was not sent when 429s outlast the deadline, and says how long to wait', async () => {
    const { outcome, tookMs } = await rotate(() => fail(429, { 'retry-after': '120' }), 60_000);
    expect(outcome).toEqual({ kind: 'notSent', retryAfterMs: 120_000 });
    expect(tookMs).toBe(0);
  });

  it('is uncertain when a 5xx follows a 429', async () => {
    const { bench, outcome } = await rotate((n) => (n === 1 ? fail(429) : fail(503)));
    expect(outcome).toMatchObject({ kind: 'uncertain', httpStatus: 503 });
    expect(bench.http.seen).toHaveLength(2);
  });

  it('refreshes the token once on 401, then throws', async () => {
    const once = await rotate((n) => (n === 1 ? fail(401) : ACCEPTED));
    expect(once.outcome).toMatchObject({ kind: 'accepted', clientRequestId: CLIENT_REQUEST_ID(2) });
    expect(once.bench.http.seen[1]?.headers.authorization).toBe('Bearer token-2');
    const twice = await rotate(() => fail(401));
    expect(twice.outcome).toMatchObject({ name: 'GraphError', kind: 'unauthorized' });
    expect(twice.bench.http.seen).toHaveLength(2);
  });

  it('asks twice more after a 403, then believes it', async () => {
    const flicker = await rotate((n) => (n < 3 ? fail(403) : ACCEPTED));
    expect(flicker.outcome).toMatchObject({ kind: 'accepted' });
    const lasting = await rotate(() => fail(403));
    expect(lasting.outcome).toMatchObject({ kind: 'refused', httpStatus: 403, clientRequestId: CLIENT_REQUEST_ID(3) });
    expect(lasting.bench.http.seen).toHaveLength(3);
  });

  it('throws after a lasting 403 when the token lacks the role, since that concerns every device', async () => {
    const lacking = await rotate(() => fail(403), undefined, jwt({ roles: ['BitlockerKey.ReadBasic.All'] }));
    expect(lacking.outcome).toMatchObject({
      name: 'GraphError',
      kind: 'forbidden',
      message: expect.stringMatching(/request a rotation.*DeviceManagementManagedDevices\.ReadWrite\.All/),
    });
    const granted = await rotate(
      () => fail(403),
      undefined,
      jwt({ roles: ['DeviceManagementConfiguration.ReadWrite.All'] }),
    );
    expect(granted.outcome).toMatchObject({ kind: 'refused', httpStatus: 403 });
  });

  it('stays due when there is no time to ask about a 403 again', async () => {
    const { outcome } = await rotate(() => fail(403), 100);
    expect(outcome).toEqual({ kind: 'notSent', retryAfterMs: 375 });
  });

  it('sends nothing after its deadline', async () => {
    const { bench, outcome } = await rotate(() => ACCEPTED, -1);
    expect(outcome).toEqual({ kind: 'notSent', retryAfterMs: 0 });
    expect(bench.http.seen).toHaveLength(0);
    expect(bench.pacer.permits).toEqual({ answered: 0, unused: 1, open: 0 });
  });

  it('sends nothing once the token took past its deadline', async () => {
    const bench = createBench(() => ACCEPTED);
    Object.assign(bench.credential, {
      getToken: () => bench.clock.sleep(10_000).then(() => ({ token: 't', expiresOnTimestamp: START_MS * 2 })),
    });
    const outcome = await bench.run(() =>
      bench.tenant.requestRotation({ via: 'managedDevice', managedDeviceId }, bench.options(5000)),
    );
    expect(outcome).toEqual({ kind: 'notSent', retryAfterMs: 0 });
    expect(bench.http.seen).toHaveLength(0);
    expect(bench.pacer.permits).toEqual({ answered: 0, unused: 1, open: 0 });
  });

  it('waits for the answer of a request on its way although the signal is aborted', async () => {
    const bench = createBench(() => ({ ...ACCEPTED, afterMs: 3000 }));
    const outcome = await bench.run(() => {
      const asked = bench.tenant.requestRotation({ via: 'managedDevice', managedDeviceId }, bench.options());
      void bench.clock.sleep(1000).then(() => bench.stop.abort(new Error('the host stops')));
      return asked;
    });
    expect(outcome).toMatchObject({ kind: 'accepted' });
    expect(bench.http.seen[0]?.aborted()).toBe(false);
  });

  it.each([
    ['before it was sent', 0, 0],
    ['while a 429 pauses it', 1000, 1],
  ])('was not sent when the signal is aborted %s', async (_name, atMs, requests) => {
    const bench = createBench(() => fail(429));
    const outcome = await bench.run(() => {
      if (atMs === 0) bench.stop.abort(new Error('the host stops'));
      void bench.clock.sleep(atMs).then(() => bench.stop.abort(new Error('the host stops')));
      return bench.tenant.requestRotation({ via: 'managedDevice', managedDeviceId }, bench.options());
    });
    expect(outcome).toEqual({ kind: 'notSent', retryAfterMs: 0 });
    expect(bench.http.seen).toHaveLength(requests);
  });

  it.each<[string, RotationRoute]>([
    ['managedDevices', { via: 'managedDevice', managedDeviceId: 'd/1' }],
    ['comanagedDevices', { via: 'comanagedDevice', managedDeviceId: '..' }],
    ['a health script', { via: 'deviceHealthScript', scriptId: 's?1', deviceRunStateId: 'r' }],
    ['a management script', { via: 'deviceManagementScript', scriptId: 's', deviceRunStateId: 'r#' }],
    ['a compliance script', { via: 'deviceComplianceScript', scriptId: '', deviceRunStateId: 'r' }],
    [
      "a script's user",
      { via: 'scriptUser', scriptId: 's', deviceRunStateId: 'r', userId: 'a%2fb', managedDeviceId: 'd1' },
    ],
    [
      "a script's detected app",
      { via: 'scriptDetectedApp', scriptId: 's', deviceRunStateId: 'r', detectedAppId: '../a', managedDeviceId: 'd1' },
    ],
  ])('refuses an id that would change the path by way of %s, and sends nothing', async (_name, route) => {
    const bench = createBench(() => ACCEPTED);
    expect(await rejection(bench.tenant.requestRotation(route, bench.options()))).toBeInstanceOf(TypeError);
    expect(bench.http.seen).toHaveLength(0);
    expect(bench.pacer.acquired).toEqual([]);
  });

  it.each(ROUTES)('by way of %s is accepted with 204, and nothing else is sent', async (_name, route, path) => {
    const bench = createBench(() => ACCEPTED);
    const outcome = await bench.run(() => bench.tenant.requestRotation(route, bench.options()));
    expect(outcome).toMatchObject({ kind: 'accepted', httpStatus: 204 });
    expect(bench.http.seen.map(({ method, path, body }) => ({ method, path, body }))).toEqual([
      { method: 'POST', path: `/beta/deviceManagement/${path}/rotateBitLockerKeys`, body: undefined },
    ]);
  });

  it('has the headers of the reference page, those that find it again, and no content type', async () => {
    const { bench } = await rotate(() => ACCEPTED);
    expect(bench.http.seen[0]?.headers).toEqual({
      // The page's two.
      authorization: 'Bearer token-1',
      accept: 'application/json',
      // Ours, and the transport's.
      'client-request-id': CLIENT_REQUEST_ID(1),
      'user-agent': 'keyturn/1.2.3',
      'accept-encoding': 'gzip,deflate',
    });
  });

  it.each<[number, string, number]>([
    [200, 'uncertain', 1],
    [204, 'accepted', 1],
    [302, 'uncertain', 1],
    [400, 'refused', 1],
    [401, 'unauthorized', 2],
    [403, 'refused', 3],
    [404, 'refused', 1],
    [405, 'refused', 1],
    [408, 'uncertain', 1],
    [409, 'refused', 1],
    [410, 'refused', 1],
    [412, 'refused', 1],
    [423, 'refused', 1],
    [429, 'notSent', 1],
    [500, 'uncertain', 1],
    [501, 'uncertain', 1],
    [502, 'uncertain', 1],
    [503, 'uncertain', 1],
    [504, 'uncertain', 1],
  ])('answered with nothing but %i is %s after %i requests', async (status, kind, requests) => {
    const { bench, outcome } = await rotate(() => fail(status, status === 429 ? { 'retry-after': '900' } : {}));
    expect(outcome).toMatchObject({ kind });
    expect(bench.http.seen).toHaveLength(requests);
  });

  it('counts the share of the write budget that was used', async () => {
    const bench = createBench(() => ACCEPTED);
    expect(bench.tenant.usage()).not.toHaveProperty('writeUtilisation');
    await bench.run(async () => {
      for (let i = 0; i < 20; i++)
        await bench.tenant.requestRotation({ via: 'managedDevice', managedDeviceId }, bench.options());
      await bench.clock.sleep(20_000);
      for (let i = 0; i < 20; i++)
        await bench.tenant.requestRotation({ via: 'managedDevice', managedDeviceId }, bench.options());
    });
    // 40 of the 400 slots that two windows of 200 hold.
    expect(bench.tenant.usage()).toMatchObject({ requests: 40, writeUtilisation: 0.1 });
  });

  it('sends at most one request that may have been accepted, whatever Graph answers', async () => {
    const replies = fc.oneof(
      fc.constantFrom(200, 204, 302, 400, 401, 403, 404, 408, 429, 500, 503).map((status): Reply => fail(status)),
      fc.constantFrom('ECONNRESET', 'ENOTFOUND', 'ECONNREFUSED', 'EPIPE').map((fault): Reply => ({ fault })),
      fc.constant<Reply>({ hang: true }),
    );
    const mayHaveBeenAccepted = (reply: Reply) =>
      reply.hang === true ||
      reply.fault === 'ECONNRESET' ||
      reply.fault === 'EPIPE' ||
      (reply.status !== undefined && (reply.status < 400 || reply.status === 408 || reply.status >= 500));
    await fc.assert(
      fc.asyncProperty(fc.array(replies, { minLength: 1, maxLength: 12 }), async (script) => {
        const { bench, outcome } = await rotate((n) => script[n - 1] ?? { status: 400 });
        const sent = script.slice(0, bench.http.seen.length);
        const suspects = sent.filter(mayHaveBeenAccepted);
        expect(suspects.length).toBeLessThanOrEqual(1);
        const { kind } = outcome as { readonly kind: string };
        expect(kind === 'accepted' || kind === 'uncertain').toBe(suspects.length === 1);
      }),
      { numRuns: 300 },
    );
  });
});
