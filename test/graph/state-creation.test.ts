import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EncryptionState } from '../../src/domain/encryption-state.ts';
import { createBench, errorBody, jwt, REQUEST_ID, type Reply, START_MS } from './fakes.ts';

const STATE: EncryptionState = {
  id: 'never sent',
  deviceName: 'PC-1',
  userPrincipalName: 'ann@contoso.com',
  deviceType: 'desktop',
  osVersion: '10.0.22631.4037',
  tpmSpecificationVersion: '2.0',
  encryptionReadinessState: 'ready',
  encryptionState: 'encrypted',
  encryptionPolicySettingState: 'nonCompliant',
  advancedBitLockerStates: ['recoveryKeyBackupFailed', 'networkError'],
  fileVaultStates: [],
  policyDetails: [{ policyId: 'p1', policyName: 'BitLocker' }],
};
const CREATED: Reply = { status: 201, body: { id: 'new-state', deviceName: 'PC-1' } };
const CLIENT_REQUEST_ID = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const fail = (status: number, headers: Record<string, string> = {}): Reply => ({ status, headers, body: errorBody() });

/** Creates one state and gives what came of it. */
async function create(reply: (n: number) => Reply, forMs?: number, token = 'opaque') {
  const bench = createBench((_seen, n) => reply(n), { tokenOf: (n) => (token === 'opaque' ? `token-${n}` : token) });
  const outcome = await bench.run(() =>
    bench.tenant.createEncryptionState(STATE, bench.options(forMs)).catch((error: unknown) => error),
  );
  expect(bench.pacer.permits.open).toBe(0);
  return { bench, outcome, tookMs: bench.clock.nowMs() - START_MS };
}

describe('createEncryptionState', () => {
  it('posts every property but the id to beta, and counts as a write and in any of its own budgets', async () => {
    const { bench, outcome } = await create(() => CREATED);
    expect(outcome).toEqual({
      kind: 'created',
      id: 'new-state',
      requestId: REQUEST_ID,
      clientRequestId: CLIENT_REQUEST_ID(1),
    });
    expect(bench.http.seen).toMatchObject([
      { method: 'POST', path: '/beta/deviceManagement/managedDeviceEncryptionStates' },
    ]);
    expect(JSON.parse(bench.http.seen[0]?.body ?? '')).toEqual({
      '@odata.type': '#microsoft.graph.managedDeviceEncryptionState',
      userPrincipalName: 'ann@contoso.com',
      deviceType: 'desktop',
      osVersion: '10.0.22631.4037',
      tpmSpecificationVersion: '2.0',
      deviceName: 'PC-1',
      encryptionReadinessState: 'ready',
      encryptionState: 'encrypted',
      encryptionPolicySettingState: 'nonCompliant',
      advancedBitLockerStates: 'recoveryKeyBackupFailed,networkError',
      fileVaultStates: null,
      policyDetails: [
        { '@odata.type': 'microsoft.graph.encryptionReportPolicyDetails', policyId: 'p1', policyName: 'BitLocker' },
      ],
    });
    expect(bench.pacer.acquired).toEqual([{ stateWrite: 1, stateAny: 1 }]);
    expect(bench.tenant.usage()).not.toHaveProperty('writeUtilisation');
  });

  it('has the headers of the reference page, the type of its body, and those that find it again', async () => {
    const { bench } = await create(() => CREATED);
    expect(bench.http.seen[0]?.headers).toEqual({
      // The page's two, and the one of its example.
      authorization: 'Bearer token-1',
      accept: 'application/json',
      'content-type': 'application/json',
      // Ours, and the transport's.
      'client-request-id': CLIENT_REQUEST_ID(1),
      'user-agent': 'keyturn/1.2.3',
      'accept-encoding': 'gzip,deflate',
    });
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['no JSON', '<html>'],
    ['half of it', '{"id":"new-st'],
    ['no id', { deviceName: 'PC-1' }],
    ['an empty id', { id: '' }],
    ['an id that is no text', { id: 5 }],
    ['no object', ['new-state']],
  ])('is created without an id, once, when the 201 holds %s', async (_name, body) => {
    const { bench, outcome } = await create(() => ({ status: 201, body }));
    expect(outcome).toEqual({ kind: 'created', requestId: REQUEST_ID, clientRequestId: CLIENT_REQUEST_ID(1) });
    expect(bench.http.seen).toHaveLength(1);
  });

  it.each([400, 404, 405, 409, 410, 412, 422, 423, 501])('is refused on %i, once', async (status) => {
    const { bench, outcome } = await create(() => fail(status));
    expect(outcome).toEqual({
      kind: 'refused',
      httpStatus: status,
      requestId: REQUEST_ID,
      clientRequestId: CLIENT_REQUEST_ID(1),
    });
    expect(bench.http.seen).toHaveLength(1);
  });

  it.each([200, 202, 204, 302, 408, 500, 502, 503, 504])('is unknown on %i, and never sent again', async (status) => {
    const { bench, outcome } = await create(() => fail(status, { 'retry-after': '1' }));
    expect(outcome).toMatchObject({ kind: 'unknown', httpStatus: status, clientRequestId: CLIENT_REQUEST_ID(1) });
    expect(bench.http.seen).toHaveLength(1);
  });

  it.each<[string, Reply]>([
    ['ECONNRESET', { fault: 'ECONNRESET' }],
    ['EPIPE', { fault: 'EPIPE' }],
    ['30 s of silence', { hang: true }],
  ])('is unknown after %s, and never sent again', async (_name, reply) => {
    const { bench, outcome } = await create(() => reply);
    expect(outcome).toEqual({ kind: 'unknown', clientRequestId: CLIENT_REQUEST_ID(1) });
    expect(bench.http.seen).toHaveLength(1);
  });

  it('pauses the class of its budget on a 429, and asks again', async () => {
    const { bench, outcome, tookMs } = await create((n) => (n <= 2 ? fail(429, { 'retry-after': '2.5' }) : CREATED));
    expect(outcome).toMatchObject({ kind: 'created' });
    expect(bench.pacer.pauses).toEqual(Array(2).fill({ requestClass: 'stateWrite', retryAfterMs: 2500 }));
    expect(tookMs).toBe(5000);
  });

  it('was not sent when 429s outlast the deadline, and says how long to wait', async () => {
    const { outcome } = await create(() => fail(429, { 'retry-after': '120' }), 60_000);
    expect(outcome).toEqual({ kind: 'notSent', retryAfterMs: 120_000 });
  });

  it('connects again when no connection was made, and was not sent when that lasts', async () => {
    const short = await create((n) => (n < 3 ? { fault: 'ECONNREFUSED' } : CREATED));
    expect(short.outcome).toMatchObject({ kind: 'created' });
    const lasting = await create(() => ({ fault: 'ECONNREFUSED' }));
    expect(lasting.outcome).toMatchObject({ kind: 'notSent', retryAfterMs: expect.any(Number) });
    expect(lasting.bench.pacer.permits).toEqual({ answered: 0, unused: 8, open: 0 });
  });

  it('refreshes the token once on 401, then throws, since that concerns every state', async () => {
    const once = await create((n) => (n === 1 ? fail(401) : CREATED));
    expect(once.outcome).toMatchObject({ kind: 'created', clientRequestId: CLIENT_REQUEST_ID(2) });
    const twice = await create(() => fail(401));
    expect(twice.outcome).toMatchObject({ name: 'GraphError', kind: 'unauthorized' });
    expect(twice.bench.http.seen).toHaveLength(2);
  });

  it('asks twice more after a 403, then believes it', async () => {
    const flicker = await create((n) => (n < 3 ? fail(403) : CREATED));
    expect(flicker.outcome).toMatchObject({ kind: 'created' });
    const lasting = await create(() => fail(403));
    expect(lasting.outcome).toEqual({
      kind: 'refused',
      httpStatus: 403,
      requestId: REQUEST_ID,
      clientRequestId: CLIENT_REQUEST_ID(3),
    });
    expect(lasting.bench.http.seen).toHaveLength(3);
  });

  it('names the role that the token lacks after a lasting 403, and only then', async () => {
    const reader = jwt({ roles: ['DeviceManagementConfiguration.Read.All'] });
    const lacking = await create(() => fail(403), undefined, reader);
    expect(lacking.outcome).toMatchObject({
      kind: 'refused',
      httpStatus: 403,
      missingRole: 'DeviceManagementConfiguration.ReadWrite.All',
    });
    const writer = jwt({ roles: ['DeviceManagementConfiguration.ReadWrite.All'] });
    expect((await create(() => fail(403), undefined, writer)).outcome).not.toHaveProperty('missingRole');
  });

  it('sends nothing after its deadline, nor once the signal is aborted', async () => {
    const late = await create(() => CREATED, -1);
    expect(late.outcome).toEqual({ kind: 'notSent', retryAfterMs: 0 });
    const bench = createBench(() => CREATED);
    bench.stop.abort(new Error('the host stops'));
    const outcome = await bench.run(() => bench.tenant.createEncryptionState(STATE, bench.options()));
    expect(outcome).toEqual({ kind: 'notSent', retryAfterMs: 0 });
    expect([...late.bench.http.seen, ...bench.http.seen]).toEqual([]);
  });

  it('waits for the answer of a request on its way although the signal is aborted', async () => {
    const bench = createBench(() => ({ ...CREATED, afterMs: 3000 }));
    const outcome = await bench.run(() => {
      const asked = bench.tenant.createEncryptionState(STATE, bench.options());
      void bench.clock.sleep(1000).then(() => bench.stop.abort(new Error('the host stops')));
      return asked;
    });
    expect(outcome).toMatchObject({ kind: 'created' });
  });

  it('sends at most one request that may have been taken, whatever Graph answers', async () => {
    const replies = fc.oneof(
      fc.constantFrom(200, 201, 302, 400, 401, 403, 404, 408, 429, 500, 501, 503).map((status) => fail(status)),
      fc.constantFrom('ECONNRESET', 'ENOTFOUND', 'ECONNREFUSED', 'EPIPE').map((fault): Reply => ({ fault })),
      fc.constant<Reply>({ hang: true }),
    );
    const mayHaveBeenTaken = ({ hang, fault, status = 0 }: Reply) =>
      hang === true ||
      fault === 'ECONNRESET' ||
      fault === 'EPIPE' ||
      (status >= 200 && status < 400) ||
      status === 408 ||
      (status >= 500 && status !== 501);
    await fc.assert(
      fc.asyncProperty(fc.array(replies, { minLength: 1, maxLength: 12 }), async (script) => {
        const { bench, outcome } = await create((n) => script[n - 1] ?? { status: 400 });
        const suspects = script.slice(0, bench.http.seen.length).filter(mayHaveBeenTaken);
        expect(suspects.length).toBeLessThanOrEqual(1);
        const { kind } = outcome as { readonly kind: string };
        expect(kind === 'created' || kind === 'unknown').toBe(suspects.length === 1);
      }),
      { numRuns: 300 },
    );
  });
});
