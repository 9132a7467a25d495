import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Escrow, EscrowKey, EscrowOutcome } from '../../src/domain/escrow.ts';
import { parseEntraDeviceId, parseRecoveryKeyId } from '../../src/domain/ids.ts';
import type { CallOptions } from '../../src/domain/ports.ts';
import { parseRecoveryPassword } from '../../src/domain/recovery-password.ts';
import { createEscrow } from '../../src/graph/escrow.ts';
import { createVirtualClock } from '../../src/simulator/virtual-clock.ts';
import {
  createFakeCredential,
  createFakeHttp,
  createFakeLogger,
  createFakePacer,
  createFakeRandom,
  errorBody,
  GRAPH_ROOT,
  REQUEST_ID,
  type Reply,
  rejection,
  type Seen,
  START_MS,
} from './fakes.ts';

const DIGITS = '482515-135795-597531-366663-673574-108636-299002-345565';
const KEY_ID = '33333333-0000-4000-8000-000000000001';
const DEVICE = '11111111-0000-4000-8000-000000000001';
const CREATED = '2026-11-22T12:00:00Z';
const CLIENT_REQUEST_ID = '00000000-0000-4000-8000-000000000001';

function keyOf(change: Partial<EscrowKey> = {}): EscrowKey {
  const { password } = parseRecoveryPassword(DIGITS);
  const entraDeviceId = parseEntraDeviceId(DEVICE);
  if (password === undefined || entraDeviceId === undefined) throw new Error('both are right');
  return { entraDeviceId, volumeType: 'operatingSystemVolume', password, ...change };
}

function createBench(reply: (seen: Seen, n: number) => Reply) {
  const clock = createVirtualClock(START_MS);
  const http = createFakeHttp(clock, reply);
  const pacer = createFakePacer(clock);
  const logger = createFakeLogger();
  const budget = { limit: 200, windowMs: 20_000 };
  const stop = new AbortController();
  const escrow = createEscrow({
    settings: {
      graphRoot: GRAPH_ROOT,
      budgets: { write: budget, any: budget, key: budget, stateWrite: budget, stateAny: budget },
    },
    createCredential: () => createFakeCredential(clock),
    pacer,
    clock,
    random: createFakeRandom(),
    logger,
    version: '1.2.3',
    httpClient: http.client,
  });
  const options = (forMs = 600_000): CallOptions => ({
    priority: 'onDemand',
    deadlineAtMs: clock.nowMs() + forMs,
    signal: stop.signal,
  });
  return { clock, http, pacer, logger, escrow, options, stop };
}
type Bench = ReturnType<typeof createBench>;

/** Repeats what it was sent, as the pages show it. */
const created = (status: number): ((seen: Seen) => Reply) => {
  return ({ body = '{}' }) => ({
    status,
    body: { id: KEY_ID, createdDateTime: CREATED, ...(JSON.parse(body) as object) },
  });
};

const USER = 'ada@contoso.com';
const OPERATIONS: readonly [string, number, (escrow: Escrow, options: CallOptions) => Promise<EscrowOutcome>][] = [
  ['add', 201, (escrow, options) => escrow.add(USER, keyOf(), options)],
  ['update', 200, (escrow, options) => escrow.update(keyOf(), options)],
];

/** Everything that could be made of a value. */
const everythingOf = (value: unknown): string =>
  `${String(value)} ${inspect(value, { depth: 20, showHidden: true })} ${JSON.stringify(value)}`;

function expectNothingShown(bench: Bench, outcome: unknown): void {
  const cause = outcome instanceof Error ? outcome.cause : undefined;
  const shown = [outcome, cause, bench.logger.lines].map(everythingOf).join('\n');
  for (const group of DIGITS.split('-')) expect(shown).not.toContain(group);
  expect(shown).not.toContain('proxy.example');
}

describe('adding a recovery key', () => {
  it('is a POST on v1.0 as the reference page shows it: 201', async () => {
    const bench = createBench(created(201));
    const outcome = await bench.clock.run(() => bench.escrow.add(USER, keyOf(), bench.options()));
    const [seen] = bench.http.seen;
    expect(seen).toMatchObject({
      method: 'POST',
      path: '/v1.0/users/ada%40contoso.com/informationProtection/bitlocker/recoveryKeys',
      headers: { authorization: 'Bearer token-1', 'content-type': 'application/json', 'user-agent': 'keyturn/1.2.3' },
    });
    expect(JSON.parse(seen?.body ?? '')).toEqual({
      '@odata.type': '#microsoft.graph.bitlockerRecoveryKey',
      deviceId: DEVICE,
      key: DIGITS,
      volumeType: 'operatingSystemVolume',
    });
    expect(outcome).toEqual({
      kind: 'escrowed',
      keyId: KEY_ID,
      createdAtMs: START_MS,
      requestId: REQUEST_ID,
      clientRequestId: CLIENT_REQUEST_ID,
    });
  });

  it.each(['operatingSystemVolume', 'fixedDataVolume', 'removableDataVolume'] as const)(
    'takes the volume %s, and an id and a creation date when they are known',
    async (volumeType) => {
      const bench = createBench(created(201));
      const key = keyOf({ volumeType, keyId: parseRecoveryKeyId(KEY_ID), createdAtMs: Date.parse(CREATED) });
      await bench.clock.run(() => bench.escrow.add(USER, key, bench.options()));
      expect(JSON.parse(bench.http.seen[0]?.body ?? '')).toMatchObject({
        volumeType,
        id: KEY_ID,
        createdDateTime: '2026-11-22T12:00:00.000Z',
      });
    },
  );

  it.each(['', '.', '..', 'a/b', 'a\\b', 'a?b', 'bob_x.com#EXT#@y.com', 'a%2fb', 'a\nb', '\ud800'])(
    'refuses the user %j before anything is sent',
    async (userId) => {
      const bench = createBench(created(201));
      const error = await rejection(bench.escrow.add(userId, keyOf(), bench.options()));
      expect(error).toBeInstanceOf(TypeError);
      expect(bench.http.seen).toHaveLength(0);
      expectNothingShown(bench, error);
    },
  );
});

describe('updating a recovery key', () => {
  it('is a PATCH on beta as the reference page shows it: 200', async () => {
    const bench = createBench(created(200));
    const outcome = await bench.clock.run(() => bench.escrow.update(keyOf(), bench.options()));
    expect(bench.http.seen[0]).toMatchObject({ method: 'PATCH', path: '/beta/bitlocker/recoveryKeys' });
    expect(JSON.parse(bench.http.seen[0]?.body ?? '')).toEqual({
      '@odata.type': '#microsoft.graph.bitlockerRecoveryKey',
      deviceId: DEVICE,
      key: DIGITS,
      volumeType: 'operatingSystemVolume',
    });
    expect(outcome).toMatchObject({ kind: 'escrowed', keyId: KEY_ID });
  });
});

describe.each(OPERATIONS)('%s', (_name, done, perform) => {
  async function ask(reply: (seen: Seen, n: number) => Reply, forMs?: number) {
    const bench = createBench(reply);
    const outcome = await bench.clock.run(() =>
      perform(bench.escrow, bench.options(forMs)).catch((error: unknown) => error),
    );
    expectNothingShown(bench, outcome);
    return { bench, outcome };
  }

  it('counts in the budget for recovery keys', async () => {
    const { bench } = await ask(created(done));
    expect(bench.pacer.acquired).toEqual([{ key: 1 }]);
    expect(bench.pacer.permits).toEqual({ answered: 1, unused: 0, open: 0 });
  });

  it.each([
    ['no body', ''],
    ['no JSON', `key ${DIGITS}`],
    ['another id', { id: DIGITS, createdDateTime: DIGITS }],
    ['numbers', { id: 5, createdDateTime: 5 }],
    ['nothing', {}],
  ])('is in escrow on %s, without what is not an id and a date', async (_what, body) => {
    const { outcome } = await ask(() => ({ status: done, body }));
    expect(outcome).toEqual({ kind: 'escrowed', requestId: REQUEST_ID, clientRequestId: CLIENT_REQUEST_ID });
  });

  it.each([400, 404, 409, 410, 412, 422])('is refused on %i, once', async (status) => {
    const { bench, outcome } = await ask(() => ({ status, body: errorBody('BadRequest', `bad key ${DIGITS}`) }));
    expect(outcome).toMatchObject({ kind: 'refused', httpStatus: status, requestId: REQUEST_ID });
    expect(bench.http.seen).toHaveLength(1);
  });

  it('is refused on a 403 that stays, which is asked about twice more', async () => {
    const { bench, outcome } = await ask(() => ({ status: 403, body: errorBody('x', DIGITS) }));
    expect(outcome).toMatchObject({ kind: 'refused', httpStatus: 403 });
    expect(bench.http.seen).toHaveLength(3);
  });

  it.each([
    [405, 'anything'],
    [501, 'anything'],
    [400, `The collection is not insertable. The key was ${DIGITS}`],
    [400, 'Writing is not supported for this type.'],
    [400, 'This property is Not Updatable'],
  ])('is not supported on %i that says %j', async (status, message) => {
    const { bench, outcome } = await ask(() => ({ status, body: errorBody('BadRequest', message) }));
    expect(outcome).toMatchObject({ kind: 'notSupported', httpStatus: status });
    expect(bench.http.seen).toHaveLength(1);
  });

  it.each([200, 201, 202, 204, 302, 408, 500, 502, 503, 504].filter((status) => status !== done))(
    'is uncertain on %i, and never sent again',
    async (status) => {
      const { bench, outcome } = await ask(() => ({
        status,
        body: errorBody('x', `not supported ${DIGITS}`),
        headers: { 'retry-after': '1' },
      }));
      expect(outcome).toMatchObject({ kind: 'uncertain', httpStatus: status });
      expect(bench.http.seen).toHaveLength(1);
    },
  );

  it.each<[string, Reply]>([
    ['a reset', { fault: 'ECONNRESET' }],
    ['silence', { hang: true }],
  ])('is uncertain after %s, and never sent again', async (_what, reply) => {
    const { bench, outcome } = await ask(() => reply);
    expect(outcome).toEqual({ kind: 'uncertain', clientRequestId: CLIENT_REQUEST_ID });
    expect(bench.http.seen).toHaveLength(1);
  });

  it('is sent again after a 429 and after the first 401, which took nothing', async () => {
    const { bench, outcome } = await ask((seen, n) =>
      n === 1
        ? { status: 429, headers: { 'retry-after': '3' }, body: errorBody('x', DIGITS) }
        : n === 2
          ? { status: 401, body: errorBody('x', DIGITS) }
          : created(done)(seen),
    );
    expect(outcome).toMatchObject({ kind: 'escrowed' });
    expect(bench.pacer.pauses).toEqual([{ requestClass: 'key', retryAfterMs: 3_000 }]);
    expect(bench.http.seen.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer token-1',
      'Bearer token-1',
      'Bearer token-2',
    ]);
  });

  it('was not sent when 429s outlast its deadline', async () => {
    const { outcome } = await ask(() => ({ status: 429, headers: { 'retry-after': '120' } }), 60_000);
    expect(outcome).toEqual({ kind: 'notSent', retryAfterMs: 120_000 });
  });

  it('throws when the token is refused twice, and when Graph cannot be connected to', async () => {
    const refused = await ask(() => ({ status: 401, body: errorBody('x', DIGITS) }));
    expect(refused.outcome).toMatchObject({ name: 'GraphError', kind: 'unauthorized' });
    const absent = await ask(() => ({ fault: 'ECONNREFUSED' }));
    expect(absent.outcome).toMatchObject({ name: 'GraphError', kind: 'unavailable' });
  });

  it('waits for the answer of a request on its way although the signal is aborted', async () => {
    const bench = createBench((seen) => ({ ...created(done)(seen), afterMs: 3_000 }));
    const outcome = await bench.clock.run(() => {
      const asked = perform(bench.escrow, bench.options());
      void bench.clock.sleep(1_000).then(() => bench.stop.abort(new Error('stopped')));
      return asked;
    });
    expect(outcome).toMatchObject({ kind: 'escrowed' });
  });

  it('sends at most one request that may have been performed, and shows no digit, whatever Graph answers', async () => {
    const replies = fc.oneof(
      fc
        .constantFrom(200, 201, 204, 302, 400, 401, 403, 404, 405, 408, 429, 500, 501, 503)
        .map((status): Reply => ({ status, body: errorBody('x', DIGITS), headers: { 'x-diagnostics': DIGITS } })),
      fc.constantFrom('ECONNRESET', 'ENOTFOUND', 'EPIPE').map((fault): Reply => ({ fault })),
      fc.constant<Reply>({ hang: true }),
    );
    const mayHaveBeen = ({ status, fault, hang }: Reply): boolean =>
      hang === true ||
      fault === 'ECONNRESET' ||
      fault === 'EPIPE' ||
      (status !== undefined && (status < 400 || status === 408 || (status >= 500 && status !== 501)));
    await fc.assert(
      fc.asyncProperty(fc.array(replies, { minLength: 1, maxLength: 10 }), async (script) => {
        const { bench, outcome } = await ask((_seen, n) => script[n - 1] ?? { status: 400 });
        const suspects = script.slice(0, bench.http.seen.length).filter(mayHaveBeen);
        const { kind } = outcome as { readonly kind: string };
        expect(suspects.length).toBe(kind === 'escrowed' || kind === 'uncertain' ? 1 : 0);
      }),
      { numRuns: 200 },
    );
  });
});
