import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EntraDeviceId, type ManagedDeviceId, parseManagedDeviceId } from '../../src/domain/ids.ts';
import {
  answer,
  type Bench,
  createBench,
  errorBody,
  GRAPH_ROOT,
  type PartReply,
  PLANTED_PASSWORD,
  partsOf,
  type Reply,
  rejection,
  START_MS,
} from './fakes.ts';

const id = (n: number): ManagedDeviceId =>
  parseManagedDeviceId(`11111111-0000-4000-8000-${String(n).padStart(12, '0')}`);
const ids = (count: number) => Array.from({ length: count }, (_, i) => id(i + 1));
const entraId = (n: number) => `aaaaaaaa-0000-4000-8000-${String(n).padStart(12, '0')}` as EntraDeviceId;
const numberIn = (url: string): number => Number(/-8000-(\d{12})/.exec(url)?.[1]);
const fail = (status: number, headers: Readonly<Record<string, string>> = {}): PartReply => ({
  status,
  headers,
  body: errorBody(),
});

const state = (url: string): PartReply => ({
  status: 200,
  body: { id: `state-${numberIn(url)}`, encryptionState: 'encrypted' },
});
const read = (bench: Bench, wanted: readonly ManagedDeviceId[], forMs?: number) =>
  bench.run(() => bench.tenant.encryptionStates(wanted, bench.options(forMs)));

describe('a batch of reads', () => {
  it('holds at most twenty parts with ids of their own and relative URLs, and counts part by part', async () => {
    const bench = createBench((seen) => answer(seen, ({ url }) => state(url)));
    const readings = await read(bench, ids(45));
    expect(bench.http.seen.map((seen) => partsOf(seen).length)).toEqual([20, 20, 5]);
    expect(bench.pacer.acquired).toEqual([{ stateAny: 20 }, { stateAny: 20 }, { stateAny: 5 }]);
    for (const seen of bench.http.seen) {
      expect(seen).toMatchObject({
        method: 'POST',
        path: '/beta/$batch',
        headers: { 'content-type': 'application/json' },
      });
      expect(new Set(partsOf(seen).map((part) => part.id)).size).toBe(partsOf(seen).length);
      for (const part of partsOf(seen)) {
        expect(part).toMatchObject({
          method: 'GET',
          url: expect.stringMatching(/^\/deviceManagement\/managedDeviceEncryptionStates\/[0-9a-f-]+$/),
        });
      }
    }
    expect([...readings.keys()].sort()).toEqual([...ids(45)]);
    for (const [key, reading] of readings) {
      expect(reading).toMatchObject({ kind: 'found', value: { id: `state-${numberIn(key)}` } });
    }
    expect(bench.tenant.usage().requests).toBe(3);
  });

  it('is no larger than the limit of its class grants', async () => {
    const bench = createBench((seen) => answer(seen, ({ url }) => state(url)), { limit: 7 });
    await read(bench, ids(15));
    expect(bench.pacer.acquired).toEqual([{ stateAny: 7 }, { stateAny: 7 }, { stateAny: 1 }]);
  });

  it('asks for an id given twice once, and for nothing when there are none', async () => {
    const bench = createBench((seen) => answer(seen, ({ url }) => state(url)));
    expect((await read(bench, [])).size).toBe(0);
    expect((await read(bench, [id(1), id(2), id(1)])).size).toBe(2);
    expect(bench.pacer.acquired).toEqual([{ stateAny: 2 }]);
  });

  it('has a reading of its own for every part', async () => {
    const statuses = [200, 404, 410, 400, 409];
    const bench = createBench((seen) =>
      answer(seen, ({ url }) => (numberIn(url) === 1 ? state(url) : fail(statuses[numberIn(url) - 1] ?? 0))),
    );
    const readings = await read(bench, ids(5));
    expect([...readings.values()].map((one) => (one.kind === 'unreadable' ? one.status : one.kind)).sort()).toEqual([
      400,
      409,
      'found',
      'gone',
      'gone',
    ]);
    expect(bench.http.seen).toHaveLength(1);
  });

  it('asks again only for the parts that failed, after the longest wait any of them wants', async () => {
    const bench = createBench((seen, n) =>
      answer(seen, ({ url }) => {
        if (n === 1 && numberIn(url) === 2) return fail(503, { 'Retry-After': '40' });
        if (n === 1 && numberIn(url) === 3) return fail(500);
        return state(url);
      }),
    );
    const readings = await read(bench, ids(4));
    expect(bench.http.seen.map((seen) => partsOf(seen).map((part) => numberIn(part.url)))).toEqual([
      [1, 2, 3, 4],
      [2, 3],
    ]);
    expect(bench.clock.nowMs() - START_MS).toBe(40_000);
    expect([...readings.values()].every((reading) => reading.kind === 'found')).toBe(true);
    expect(bench.tenant.usage()).toMatchObject({ requests: 2, retries: 2 });
  });

  it.each([
    ['in its own header', { 'Retry-After': '30' }, errorBody(), 30_000],
    ['in its own header, in another letter case', { 'retry-after': '30' }, errorBody(), 30_000],
    ['as a date', { 'Retry-After': new Date(START_MS + 30_000).toUTCString() }, errorBody(), 30_000],
    ['hidden in its message', {}, errorBody('x', '{"RetryAfter":30}'), 30_000],
    ['not at all', {}, errorBody(), undefined],
  ])('tells the pacer of a throttled part whose wait is given %s', async (_name, headers, body, retryAfterMs) => {
    const bench = createBench((seen, n) =>
      answer(seen, ({ url }) => (n === 1 && numberIn(url) < 3 ? { status: 429, headers, body } : state(url))),
    );
    const readings = await read(bench, ids(4));
    expect(bench.pacer.pauses).toEqual([{ requestClass: 'stateAny', retryAfterMs }]);
    expect(bench.clock.nowMs() - START_MS).toBe(retryAfterMs ?? 20_000);
    expect([...readings.values()].every((reading) => reading.kind === 'found')).toBe(true);
    expect(bench.tenant.usage()).toMatchObject({ requests: 2, throttled: 2, retries: 2 });
  });

  it('leaves parts that stay unanswered unreadable, with their last status', async () => {
    const bench = createBench((seen) =>
      answer(seen, ({ url }) => [state(url), fail(503), { status: 504 }, undefined][numberIn(url) - 1]),
    );
    const readings = await read(bench, ids(4));
    expect(ids(4).map((one) => readings.get(one))).toMatchObject([
      { kind: 'found' },
      { kind: 'unreadable', status: 503 },
      { kind: 'unreadable', status: 504 },
      { kind: 'unreadable', status: 0 },
    ]);
    expect(bench.http.seen).toHaveLength(8);
  });

  it('leaves a part unreadable that is throttled past the deadline', async () => {
    const bench = createBench((seen) =>
      answer(seen, ({ url }) => (numberIn(url) === 1 ? state(url) : fail(429, { 'Retry-After': '3600' }))),
    );
    const readings = await read(bench, ids(2));
    expect(readings.get(id(1))).toMatchObject({ kind: 'found' });
    expect(readings.get(id(2))).toEqual({ kind: 'unreadable', status: 429 });
    expect(bench.http.seen).toHaveLength(1);
  });

  it('keeps what it read when a later batch is not answered in time', async () => {
    const bench = createBench((seen, n) =>
      n === 1 ? answer(seen, ({ url }) => state(url)) : { status: 429, headers: { 'retry-after': '3600' } },
    );
    const readings = await read(bench, ids(25));
    const kinds = [...readings.values()].map((reading) =>
      reading.kind === 'unreadable' ? reading.status : reading.kind,
    );
    expect(kinds.filter((kind) => kind === 'found')).toHaveLength(20);
    expect(kinds.filter((kind) => kind === 429)).toHaveLength(5);
  });

  it('throws when nothing at all was answered in time', async () => {
    const throttled = createBench(() => ({ status: 429, headers: { 'retry-after': '3600' } }));
    expect(await rejection(read(throttled, ids(3)))).toMatchObject({ kind: 'throttled', retryAfterMs: 3_600_000 });
    const down = createBench(() => ({ status: 502 }));
    expect(await rejection(read(down, ids(3)))).toMatchObject({ kind: 'unavailable' });
  });

  it('repeats the whole batch when it fails as a whole', async () => {
    const bench = createBench((seen, n) =>
      n === 1 ? { fault: 'ECONNRESET' } : n === 2 ? { status: 504 } : answer(seen, ({ url }) => state(url)),
    );
    expect((await read(bench, ids(3))).size).toBe(3);
    expect(bench.http.seen).toHaveLength(3);
  });

  it('reads the parts of a 424 too', async () => {
    const bench = createBench((seen) => ({ ...answer(seen, ({ url }) => state(url)), status: 424 }));
    expect(await read(bench, ids(1))).toEqual(new Map([[id(1), expect.objectContaining({ kind: 'found' })]]));
  });

  it('refreshes the token once when parts are unauthorized, then throws', async () => {
    const once = createBench((seen, n) =>
      answer(seen, ({ url }) => (n === 1 && numberIn(url) === 2 ? fail(401) : state(url))),
    );
    expect([...(await read(once, ids(3))).values()].every((reading) => reading.kind === 'found')).toBe(true);
    expect(once.http.seen.map((seen) => seen.headers.authorization)).toEqual(['Bearer token-1', 'Bearer token-2']);
    const twice = createBench((seen) => answer(seen, () => fail(401)));
    expect(await rejection(read(twice, ids(3)))).toMatchObject({ kind: 'unauthorized' });
    expect(twice.http.seen).toHaveLength(2);
  });

  it('believes a 403 after two more, for one device, or for all as a missing role', async () => {
    const one = createBench((seen) => answer(seen, ({ url }) => (numberIn(url) === 2 ? fail(403) : state(url))));
    expect((await read(one, ids(3))).get(id(2))).toEqual({ kind: 'unreadable', status: 403 });
    expect(one.http.seen).toHaveLength(3);
    const all = createBench((seen) => answer(seen, () => fail(403)));
    expect(await rejection(read(all, ids(3)))).toMatchObject({
      kind: 'forbidden',
      message: expect.stringContaining('DeviceManagementConfiguration.Read.All'),
    });
  });

  it.each([
    [['BitlockerKey.ReadBasic.All'], 'DeviceManagementConfiguration.Read.All'],
    [['DeviceManagementConfiguration.ReadWrite.All'], undefined],
    [undefined, undefined],
  ])('a 403 for all says whether the token lacks the role: %j', async (roles, missingRole) => {
    const token =
      roles === undefined ? 'opaque' : `h.${Buffer.from(JSON.stringify({ roles })).toString('base64url')}.s`;
    const bench = createBench((seen) => answer(seen, () => fail(403)), { tokenOf: () => token });
    const error = await rejection(read(bench, ids(3)));
    expect(error).toMatchObject({ kind: 'forbidden', status: 403 });
    expect(error).toHaveProperty('missingRole', missingRole);
  });

  it.each([
    [
      'a part',
      (seen: Parameters<typeof answer>[0]) => answer(seen, ({ url }) => (numberIn(url) === 2 ? fail(503) : state(url))),
    ],
    ['the whole', () => ({ status: 503 })],
    ['the connection', () => ({ fault: 'ECONNRESET' })],
  ])('asks about a fault of %s no longer than it may', async (_what, reply) => {
    const bench = createBench(reply);
    const options = { ...bench.options(), retryForMs: 2_000 };
    await bench
      .run(() => bench.tenant.encryptionStates(ids(3), options))
      .catch((error: unknown) => expect(error).toMatchObject({ kind: 'unavailable' }));
    expect(bench.clock.nowMs() - START_MS).toBeLessThanOrEqual(2_000);
    expect(bench.http.seen.length).toBeGreaterThanOrEqual(3);
    expect(bench.http.seen.length).toBeLessThan(8);
  });

  it('waits for quota however short its patience with faults is', async () => {
    const bench = createBench((seen, n) =>
      answer(seen, ({ url }) => (n === 1 ? fail(429, { 'Retry-After': '60' }) : state(url))),
    );
    const options = { ...bench.options(), retryForMs: 0 };
    const readings = await bench.run(() => bench.tenant.encryptionStates(ids(3), options));
    expect([...readings.values()].every(({ kind }) => kind === 'found')).toBe(true);
  });

  it('leaves a malformed part unreadable and logs where it was wrong', async () => {
    const bench = createBench((seen) =>
      answer(seen, ({ url }) =>
        numberIn(url) === 1 ? { status: 200, body: { id: 5, x: PLANTED_PASSWORD } } : state(url),
      ),
    );
    const readings = await read(bench, ids(2));
    expect(readings.get(id(1))).toEqual({ kind: 'unreadable', status: 200 });
    expect(readings.get(id(2))).toMatchObject({ kind: 'found' });
    const warnings = bench.logger.lines.filter((line) => line.level === 'warn');
    expect(warnings).toEqual([
      expect.objectContaining({
        message: expect.stringContaining('malformed at responses[1].body.id: expected string'),
      }),
    ]);
    expect(JSON.stringify(bench.logger.lines)).not.toContain(PLANTED_PASSWORD);
  });

  it.each([
    ['no responses', {}, 'responses'],
    ['a response without status', { responses: [{ id: '1' }] }, 'responses[0].status'],
    ['no JSON', 'oops', '$'],
  ])('is malformed with %s', async (_name, body, path) => {
    const error = await rejection(
      read(
        createBench(() => ({ body })),
        ids(1),
      ),
    );
    expect(error).toMatchObject({ kind: 'malformed', message: expect.stringContaining(`at ${path}:`) });
  });

  it('ignores parts nobody asked for', async () => {
    const bench = createBench((seen) => {
      const known = answer(seen, ({ url }) => state(url)).body as { responses: unknown[] };
      return {
        body: {
          responses: [
            ...known.responses,
            { id: '99', status: 200 },
            { id: 'length', status: 200 },
            { id: '0', status: 200 },
          ],
        },
      };
    });
    expect([...(await read(bench, ids(2))).keys()]).toEqual([id(1), id(2)]);
  });

  it("rejects with the signal's reason when aborted between rounds", async () => {
    const bench = createBench((seen) => answer(seen, () => fail(503, { 'Retry-After': '60' })));
    const reason = new Error('the host stops');
    const error = await bench.run(() => {
      void bench.clock.sleep(5000).then(() => bench.stop.abort(reason));
      return rejection(bench.tenant.encryptionStates(ids(2), bench.options()));
    });
    expect(error).toBe(reason);
    expect(bench.clock.nowMs() - START_MS).toBe(5000);
  });

  it('answers for every id it was given, whatever the parts say, by its deadline', async () => {
    const replies = fc.constantFrom<PartReply | undefined>(
      ...[200, 404, 400, 403, 408, 429, 500, 503, 302].map((status) => fail(status)),
      undefined,
    );
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 45 }), fc.infiniteStream(replies), async (count, stream) => {
        const bench = createBench((seen) =>
          answer(seen, ({ url }) => {
            const reply = stream.next().value as PartReply | undefined;
            return reply?.status === 200 || numberIn(url) === 1 ? state(url) : reply;
          }),
        );
        const readings = await read(bench, ids(count), 120_000);
        expect(new Set(readings.keys())).toEqual(new Set(ids(count)));
        expect(bench.clock.nowMs() - START_MS).toBeLessThanOrEqual(120_000);
        expect(bench.pacer.permits.open).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});

describe('what is read in batches', () => {
  it('managed devices by id', async () => {
    const bench = createBench((seen) =>
      answer(seen, ({ url }) =>
        numberIn(url) === 1 ? { status: 200, body: { id: id(1), deviceName: 'PC-1' } } : fail(404),
      ),
    );
    const readings = await bench.run(() => bench.tenant.managedDevices(ids(2), bench.options()));
    expect(readings.get(id(1))).toMatchObject({ kind: 'found', value: { managedDeviceId: id(1), deviceName: 'PC-1' } });
    expect(readings.get(id(2))).toEqual({ kind: 'gone' });
    expect(bench.http.seen[0]?.path).toBe('/v1.0/$batch');
    expect(bench.pacer.acquired).toEqual([{ any: 2 }]);
  });

  it('managed devices by Entra device id: none, one or several', async () => {
    const bench = createBench((seen) =>
      answer(seen, ({ url }) => ({
        status: 200,
        body: { value: Array.from({ length: numberIn(url) - 1 }, (_, i) => ({ id: id(i + 1) })) },
      })),
    );
    const wanted = [1, 2, 3].map(entraId);
    const readings = await bench.run(() => bench.tenant.managedDevicesOf(wanted, bench.options()));
    expect(wanted.map((one) => readings.get(one))).toMatchObject([
      { kind: 'found', value: [] },
      { kind: 'found', value: [{ managedDeviceId: id(1) }] },
      { kind: 'found', value: [{ managedDeviceId: id(1) }, { managedDeviceId: id(2) }] },
    ]);
  });

  it('recovery keys, all pages of them, with a User-Agent on every part', async () => {
    const key = (n: number) => ({
      id: id(n),
      deviceId: entraId(1),
      createdDateTime: '2026-11-20T10:11:12Z',
      volumeType: 1,
    });
    const link = (n: number) => `${GRAPH_ROOT}/v1.0/informationProtection/bitlocker/recoveryKeys?$skiptoken=${n}`;
    const bench = createBench((seen) => {
      if (seen.method === 'POST')
        return answer(seen, () => ({ status: 200, body: { value: [key(1)], '@odata.nextLink': link(2) } }));
      return seen.url === link(2)
        ? { body: { value: [key(2)], '@odata.nextLink': link(3) } }
        : { body: { value: [key(3)] } };
    });
    const readings = await bench.run(() => bench.tenant.recoveryKeys([entraId(1)], bench.options()));
    const found = readings.get(entraId(1));
    expect(found?.kind === 'found' && found.value.map(({ keyId }) => numberIn(keyId))).toEqual([1, 2, 3]);
    expect(bench.pacer.acquired).toEqual([{ key: 1 }, { key: 1 }, { key: 1 }]);
    expect(JSON.parse(bench.http.seen[0]?.body ?? '')).toMatchObject({
      requests: [{ headers: { 'User-Agent': 'keyturn/1.2.3' } }],
    });
  });

  it('recovery keys whose second page never comes are unreadable, not fewer', async () => {
    const next = `${GRAPH_ROOT}/v1.0/informationProtection/bitlocker/recoveryKeys?$skiptoken=2`;
    const bench = createBench((seen) =>
      seen.method === 'POST'
        ? answer(seen, () => ({ status: 200, body: { value: [], '@odata.nextLink': next } }))
        : { status: 500 },
    );
    const readings = await bench.run(() => bench.tenant.recoveryKeys([entraId(1)], bench.options()));
    expect(readings.get(entraId(1))?.kind).toBe('unreadable');
  });

  const link = `${GRAPH_ROOT}/v1.0/informationProtection/bitlocker/recoveryKeys?$skiptoken=2`;
  it.each<[string, string, Reply, number, string]>([
    ['is malformed', link, { body: { value: [{ id: PLANTED_PASSWORD }] } }, 200, 'malformed'],
    ['is no JSON', link, { body: '<html>' }, 200, 'malformed'],
    ['is on another host', 'https://evil.example/v1.0/x', { body: { value: [] } }, 200, 'untrustedLink'],
    ['is itself', link, { body: { value: [], '@odata.nextLink': link } }, 200, 'untrustedLink'],
    ['is a redirect', link, { status: 302, headers: { location: 'https://evil.example/' } }, 302, 'untrustedLink'],
    ['is refused', link, { status: 400, body: errorBody() }, 400, 'badRequest'],
    ['is gone', link, { status: 410, body: errorBody() }, 410, 'notFound'],
  ])(
    'recovery keys of one device whose second page %s are unreadable, and the log says so; the others are read',
    async (_name, next, second, status, errorKind) => {
      const key = { id: id(1), deviceId: entraId(1), createdDateTime: '2026-11-20T10:11:12Z', volumeType: 1 };
      const bench = createBench((seen) =>
        seen.method === 'POST'
          ? answer(seen, ({ url }) => ({
              status: 200,
              body: { value: [key], ...(numberIn(url) === 2 ? { '@odata.nextLink': next } : {}) },
            }))
          : second,
      );
      const wanted = [1, 2, 3].map(entraId);
      const readings = await bench.run(() => bench.tenant.recoveryKeys(wanted, bench.options()));
      expect(wanted.map((one) => readings.get(one))).toMatchObject([
        { kind: 'found', value: [{ keyId: id(1) }] },
        { kind: 'unreadable', status },
        { kind: 'found', value: [{ keyId: id(1) }] },
      ]);
      const warnings = bench.logger.lines.filter(({ level }) => level === 'warn');
      expect(warnings).toMatchObject([{ fields: { route: 'recoveryKeys', errorKind } }]);
      expect(JSON.stringify(bench.logger.lines)).not.toContain(PLANTED_PASSWORD);
      expect(bench.http.seen.every(({ url }) => url.startsWith(GRAPH_ROOT))).toBe(true);
    },
  );

  it.each([
    [401, 'unauthorized'],
    [403, 'forbidden'],
  ])('recovery keys whose second page is answered %i concern every device', async (status, kind) => {
    const bench = createBench((seen) =>
      seen.method === 'POST'
        ? answer(seen, () => ({ status: 200, body: { value: [], '@odata.nextLink': link } }))
        : { status, body: errorBody() },
    );
    const reading = bench.run(() => bench.tenant.recoveryKeys([entraId(1)], bench.options()));
    expect(await rejection(reading)).toMatchObject({ kind });
  });

  it('action results of rotations, by name or by type, newest first', async () => {
    const at = (day: number) => `2026-11-${day}T00:00:00Z`;
    const deviceActionResults = [
      {
        actionName: 'syncDevice',
        actionState: 'done',
        startDateTime: at(21),
        lastUpdatedDateTime: at(21),
        passcode: PLANTED_PASSWORD,
      },
      {
        actionName: 'RotateBitLockerKeys',
        actionState: 'failed',
        startDateTime: at(10),
        lastUpdatedDateTime: at(11),
        errorCode: -2147024891,
      },
      {
        '@odata.type': '#microsoft.graph.rotateBitLockerKeysDeviceActionResult',
        actionName: null,
        actionState: 'Done',
        startDateTime: at(20),
        lastUpdatedDateTime: at(20),
        errorCode: 0,
      },
      { actionName: 'rotateBitLockerKeys', actionState: 'teleported', startDateTime: '0001-01-01T00:00:00Z' },
    ];
    const bench = createBench((seen) =>
      answer(seen, () => ({ status: 200, body: { id: id(1), deviceActionResults } })),
    );
    const readings = await bench.run(() => bench.tenant.actionResults(ids(1), bench.options()));
    expect(readings.get(id(1))).toEqual({
      kind: 'found',
      trace: expect.anything(),
      value: [
        { state: 'done', startedAtMs: Date.parse(at(20)), lastUpdatedAtMs: Date.parse(at(20)), errorCode: 0 },
        {
          state: 'failed',
          startedAtMs: Date.parse(at(10)),
          lastUpdatedAtMs: Date.parse(at(11)),
          errorCode: -2147024891,
        },
        { state: 'unknown', startedAtMs: 0, lastUpdatedAtMs: 0 },
      ],
    });
  });

  it.each([[{}], [{ deviceActionResults: null }], [{ deviceActionResults: [] }]])(
    'no action results from %j',
    async (body) => {
      const bench = createBench((seen) => answer(seen, () => ({ status: 200, body })));
      expect((await bench.run(() => bench.tenant.actionResults(ids(1), bench.options()))).get(id(1))).toEqual({
        kind: 'found',
        trace: expect.anything(),
        value: [],
      });
    },
  );

  it('encryption states, their flags split', async () => {
    const body = {
      id: 'x',
      deviceName: 'PC-1',
      advancedBitLockerStates: 'osVolumeUnprotected, tpmNotReady',
      fileVaultStates: '',
      policyDetails: [{ policyId: 'p', policyName: null }],
    };
    const bench = createBench((seen) => answer(seen, () => ({ status: 200, body })));
    expect((await read(bench, ids(1))).get(id(1))).toEqual({
      kind: 'found',
      trace: expect.anything(),
      value: {
        id: 'x',
        deviceName: 'PC-1',
        userPrincipalName: '',
        deviceType: '',
        osVersion: '',
        tpmSpecificationVersion: '',
        encryptionReadinessState: '',
        encryptionState: '',
        encryptionPolicySettingState: '',
        advancedBitLockerStates: ['osVolumeUnprotected', 'tpmNotReady'],
        fileVaultStates: [],
        policyDetails: [{ policyId: 'p', policyName: '' }],
      },
    });
  });
});
