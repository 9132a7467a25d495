import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { GraphError } from '../../src/domain/graph-error.ts';
import {
  collect,
  createBench,
  errorBody,
  GRAPH_ROOT,
  jwt,
  PLANTED_PASSWORD,
  REQUEST_ID,
  type Reply,
  rejection,
  START_MS,
} from './fakes.ts';

const DEVICE = {
  id: '11111111-0000-4000-8000-000000000001',
  azureADDeviceId: 'AAAAAAAA-0000-4000-8000-000000000001',
  deviceName: 'PC-1',
  operatingSystem: 'Windows',
  osVersion: '10.0.22631.4037',
  isEncrypted: true,
  deviceEnrollmentType: 'windowsAzureADJoin',
  managementAgent: 'mdm',
  managementState: 'managed',
  lastSyncDateTime: '2026-11-20T10:11:12.1234567Z',
};
const page = (value: unknown[], next?: string): Reply => ({
  body: {
    '@odata.context': 'x',
    value,
    ...(next === undefined ? {} : { '@odata.nextLink': `${GRAPH_ROOT}/v1.0/${next}` }),
  },
});
const fail = (status: number, headers: Record<string, string> = {}): Reply => ({ status, headers, body: errorBody() });

/** Lists devices and gives what came of it, with the time it took. */
async function list(reply: (n: number) => Reply, forMs?: number) {
  const bench = createBench((_seen, n) => reply(n));
  const outcome = await bench.run(() =>
    collect(bench.tenant.managedDevicePages(undefined, bench.options(forMs))).catch((error: unknown) => error),
  );
  return { bench, outcome, tookMs: bench.clock.nowMs() - START_MS };
}

describe('a read', () => {
  it('sends what Graph needs and nothing else', async () => {
    const { bench } = await list(() => page([]));
    expect(bench.http.seen).toHaveLength(1);
    expect(bench.http.seen[0]?.headers).toEqual({
      accept: 'application/json',
      authorization: 'Bearer token-1',
      'user-agent': 'keyturn/1.2.3',
      'client-request-id': '00000000-0000-4000-8000-000000000001',
      'accept-encoding': 'gzip,deflate',
    });
    expect(bench.http.seen[0]).toMatchObject({ method: 'GET', body: undefined });
    expect(bench.credential.asked).toEqual([{ scope: `${GRAPH_ROOT}/.default`, claims: undefined }]);
  });

  it('takes a permit for each attempt and settles every one', async () => {
    const { bench } = await list((n) => (n === 1 ? fail(503) : page([])));
    expect(bench.pacer.acquired).toEqual([{ any: 1 }, { any: 1 }]);
    expect(bench.pacer.permits).toEqual({ answered: 2, unused: 0, open: 0 });
    expect(bench.tenant.usage()).toEqual({ requests: 2, throttled: 0, retries: 1, waitMs: 7 });
  });

  it('has a fresh client-request-id for each attempt, and logs it with the request id', async () => {
    const { bench } = await list((n) => (n < 3 ? fail(500) : page([])));
    const ids = bench.http.seen.map((seen) => seen.headers['client-request-id']);
    expect(new Set(ids).size).toBe(3);
    expect(bench.logger.lines.map((line) => line.fields)).toEqual(
      ids.map((clientRequestId, i) =>
        expect.objectContaining({ clientRequestId, requestId: REQUEST_ID, status: i < 2 ? 500 : 200 }),
      ),
    );
  });

  it.each([
    [400, 'badRequest'],
    [405, 'badRequest'],
    [409, 'badRequest'],
    [404, 'notFound'],
    [410, 'notFound'],
    [301, 'untrustedLink'],
    [302, 'untrustedLink'],
    [307, 'untrustedLink'],
  ])('fails at once on %i, as %s', async (status, kind) => {
    const { bench, outcome } = await list(() => fail(status, { location: 'https://evil.example/' }));
    expect(outcome).toBeInstanceOf(GraphError);
    expect(outcome).toMatchObject({ kind, status, requestId: REQUEST_ID });
    expect(bench.http.seen).toHaveLength(1);
  });

  it.each([408, 500, 502, 503, 504])('tries a lasting %i eight times, then calls Graph unavailable', async (status) => {
    const { bench, outcome, tookMs } = await list(() => fail(status));
    expect(outcome).toMatchObject({ kind: 'unavailable', message: expect.stringContaining(String(status)) });
    expect(bench.http.seen).toHaveLength(8);
    expect(tookMs).toBe([375, 750, 1500, 3000, 6000, 12_000, 22_500].reduce((a, b) => a + b));
  });

  it.each(['ECONNRESET', 'ENOTFOUND', 'ETIMEDOUT'])('tries again after %s', async (fault) => {
    const { outcome } = await list((n) => (n < 3 ? { fault } : page([DEVICE])));
    expect(outcome).toMatchObject([{ items: [{ deviceName: 'PC-1' }] }]);
  });

  it('gives the slots back when no connection was made, and keeps them otherwise', async () => {
    const { bench } = await list((n) => [{ fault: 'ECONNREFUSED' }, { fault: 'ECONNRESET' }][n - 1] ?? page([]));
    expect(bench.pacer.permits).toEqual({ answered: 2, unused: 1, open: 0 });
  });

  it('takes Retry-After of a 503 as a floor, however long', async () => {
    const { tookMs } = await list((n) => (n === 1 ? fail(503, { 'retry-after': '300' }) : page([])));
    expect(tookMs).toBe(300_000);
  });

  it('gives up on a 503 whose wait would pass the deadline', async () => {
    const { outcome, tookMs } = await list(() => fail(503, { 'retry-after': '300' }), 60_000);
    expect(outcome).toMatchObject({ kind: 'unavailable', status: 503, retryAfterMs: 300_000 });
    expect(tookMs).toBe(0);
  });

  it.each([
    ['without Retry-After', {}, undefined, 20_000],
    ['with seconds', { 'retry-after': '120' }, 120_000, 120_000],
    ['with a fraction', { 'retry-after': '2.128' }, 2128, 2128],
    ['with a date', { 'retry-after': new Date(START_MS + 9000).toUTCString() }, 9000, 9000],
  ])('tells the pacer of a 429 %s, and goes back through it', async (_name, headers, retryAfterMs, waitMs) => {
    const { bench, outcome, tookMs } = await list((n) => (n === 1 ? fail(429, headers) : page([])));
    expect(bench.pacer.pauses).toEqual([{ requestClass: 'any', retryAfterMs }]);
    expect(outcome).toEqual([{ items: [] }]);
    expect(tookMs).toBe(waitMs);
    expect(bench.tenant.usage()).toMatchObject({ requests: 2, throttled: 1, retries: 1 });
  });

  it('survives any number of 429s while there is time, and says how long to wait when there is none', async () => {
    const many = await list((n) => (n <= 20 ? fail(429) : page([])));
    expect(many.outcome).toEqual([{ items: [] }]);
    const late = await list(() => fail(429, { 'retry-after': '700' }));
    expect(late.outcome).toMatchObject({ kind: 'throttled', retryAfterMs: 700_000 });
    expect(late.bench.http.seen).toHaveLength(1);
  });

  it.each([{}, { 'www-authenticate': 'Bearer realm="", error="invalid_token"' }])(
    'refreshes the token once on 401, with headers %j',
    async (headers) => {
      const { bench, outcome } = await list((n) => (n === 1 ? fail(401, headers) : page([])));
      expect(outcome).toEqual([{ items: [] }]);
      expect(bench.http.seen.map((seen) => seen.headers.authorization)).toEqual(['Bearer token-1', 'Bearer token-2']);
    },
  );

  it('passes the claims of a challenge on to the credential', async () => {
    const claims = '{"access_token":{"nbf":{"essential":true}}}';
    const challenge = `Bearer realm="", error="insufficient_claims", claims="${Buffer.from(claims).toString('base64')}"`;
    const { bench } = await list((n) => (n === 1 ? fail(401, { 'www-authenticate': challenge }) : page([])));
    expect(bench.credential.asked.map((asked) => asked.claims)).toEqual([undefined, claims]);
  });

  it('is unauthorized after a second 401', async () => {
    const { bench, outcome } = await list(() => fail(401));
    expect(outcome).toMatchObject({ kind: 'unauthorized', status: 401, message: expect.stringContaining('TENANT_ID') });
    expect(bench.http.seen).toHaveLength(2);
  });

  it('asks twice more after a 403, then names the role that is missing', async () => {
    const flicker = await list((n) => (n < 3 ? fail(403) : page([])));
    expect(flicker.outcome).toEqual([{ items: [] }]);
    const { bench, outcome } = await list(() => fail(403));
    expect(bench.http.seen).toHaveLength(3);
    expect(outcome).toMatchObject({
      kind: 'forbidden',
      status: 403,
      message: expect.stringMatching(/read managed devices.*DeviceManagementManagedDevices\.ReadWrite\.All.*24 h/),
    });
  });

  it('does not call it forbidden when there was no time to ask again', async () => {
    const { outcome } = await list(() => fail(403), 100);
    expect(outcome).toMatchObject({ kind: 'throttled', retryAfterMs: 375 });
  });

  it('gives up on a silent Graph after 30 s and asks again', async () => {
    const { bench, outcome, tookMs } = await list((n) => (n === 1 ? { hang: true } : page([])));
    expect(outcome).toEqual([{ items: [] }]);
    expect(tookMs).toBe(30_375);
    expect(bench.http.seen[0]?.aborted()).toBe(true);
    expect(bench.pacer.permits).toEqual({ answered: 2, unused: 0, open: 0 });
  });

  it('ends by its deadline whatever Graph does', async () => {
    const { outcome, tookMs } = await list(() => ({ hang: true }), 5000);
    expect(outcome).toMatchObject({ kind: 'unavailable', message: expect.stringContaining('TIMEOUT') });
    expect(tookMs).toBe(5000);
  });

  it('sends nothing after its deadline', async () => {
    const { bench, outcome } = await list(() => page([]), -1);
    expect(outcome).toMatchObject({ kind: 'throttled' });
    expect(bench.http.seen).toHaveLength(0);
    expect(bench.pacer.permits).toEqual({ answered: 0, unused: 1, open: 0 });
  });

  it.each([
    ['before it is sent', 0],
    ['while it is on its way', 1000],
    ['while it waits to try again', 2600],
  ])("rejects with the signal's reason when aborted %s", async (_name, atMs) => {
    const bench = createBench((_seen, n) => (n === 1 ? { ...fail(500), afterMs: 2500 } : page([])));
    const reason = new Error('the host stops');
    const error = await bench.run(async () => {
      if (atMs === 0) bench.stop.abort(reason);
      const work = rejection(collect(bench.tenant.managedDevicePages(undefined, bench.options())));
      await bench.clock.sleep(atMs);
      bench.stop.abort(reason);
      return work;
    });
    expect(error).toBe(reason);
    expect(bench.clock.nowMs()).toBeLessThanOrEqual(START_MS + 2600);
    expect(bench.pacer.permits.open).toBe(0);
    expect(bench.http.seen.every((seen) => atMs === 2600 || seen.aborted())).toBe(true);
  });
});

describe('pages of devices', () => {
  it('become domain devices', async () => {
    const { outcome } = await list(() => page([DEVICE]));
    expect(outcome).toEqual([
      {
        items: [
          {
            managedDeviceId: DEVICE.id,
            entraDeviceId: 'aaaaaaaa-0000-4000-8000-000000000001',
            deviceName: 'PC-1',
            operatingSystem: 'Windows',
            osVersion: '10.0.22631.4037',
            isEncrypted: true,
            enrollmentType: 'windowsAzureADJoin',
            managementAgent: 'mdm',
            managementState: 'managed',
            lastSyncAtMs: Date.UTC(2026, 10, 20, 10, 11, 12, 123),
          },
        ],
      },
    ]);
  });

  it('tolerate what Graph leaves out', async () => {
    const { outcome } = await list(() =>
      page([
        { id: DEVICE.id },
        {
          id: DEVICE.id,
          azureADDeviceId: '00000000-0000-0000-0000-000000000000',
          deviceName: null,
          lastSyncDateTime: '0001-01-01T00:00:00Z',
        },
      ]),
    );
    const bare = {
      managedDeviceId: DEVICE.id,
      entraDeviceId: undefined,
      deviceName: '',
      operatingSystem: '',
      osVersion: '',
      isEncrypted: false,
      enrollmentType: '',
      managementAgent: '',
      managementState: '',
      lastSyncAtMs: 0,
    };
    expect(outcome).toEqual([{ items: [bare, bare] }]);
  });

  it.each<[string, unknown, string]>([
    ['a device without id', { value: [DEVICE, { ...DEVICE, id: undefined }] }, 'value[1].id'],
    ['an id that is no GUID', { value: [{ ...DEVICE, id: PLANTED_PASSWORD }] }, 'value[0].id'],
    [
      'an unreadable date',
      { value: [DEVICE, DEVICE, DEVICE, { ...DEVICE, lastSyncDateTime: PLANTED_PASSWORD }] },
      'value[3].lastSyncDateTime',
    ],
    ['a wrong type', { value: [{ ...DEVICE, isEncrypted: PLANTED_PASSWORD }] }, 'value[0].isEncrypted'],
    ['a device that is no object', { value: [PLANTED_PASSWORD] }, 'value[0]'],
    ['no value', { vaule: [] }, 'value'],
    ['a link that is no text', { value: [], '@odata.nextLink': 5 }, '@odata.nextLink'],
    ['no JSON', `<html>${PLANTED_PASSWORD}</html>`, '$'],
    ['half a page', '{"value":[{"id":', '$'],
    ['nothing', '', '$'],
  ])('are malformed with %s, and the error says where', async (_name, body, path) => {
    const { outcome } = await list(() => ({ body }));
    expect(outcome).toMatchObject({ kind: 'malformed', requestId: REQUEST_ID });
    expect((outcome as GraphError).message).toContain(`read managed devices is malformed at ${path}: expected`);
    expect(inspect(outcome)).not.toContain(PLANTED_PASSWORD);
  });

  it('are asked for again when they come cut off, twice at most', async () => {
    const short = await list((n) => (n < 3 ? { body: '{"value":[{' } : page([DEVICE])));
    expect(short.outcome).toMatchObject([{ items: [{ deviceName: 'PC-1' }] }]);
    const lasting = await list(() => ({ body: '{"value":[{' }));
    expect(lasting.outcome).toMatchObject({ kind: 'malformed' });
    expect(lasting.bench.http.seen).toHaveLength(3);
  });

  it('follow links, and can be taken up again from any of them', async () => {
    const pages = [
      page([{ ...DEVICE, deviceName: 'a' }], 'deviceManagement/managedDevices?$skiptoken=2'),
      page([{ ...DEVICE, deviceName: 'b' }]),
    ];
    const reply = ({ url }: { readonly url: string }) => pages[url.includes('skiptoken=2') ? 1 : 0] as Reply;
    const bench = createBench(reply);
    const all = await bench.run(() => collect(bench.tenant.managedDevicePages(undefined, bench.options())));
    expect(all.map((one) => one.next)).toEqual(['deviceManagement/managedDevices?$skiptoken=2', undefined]);
    const later = createBench(reply);
    const rest = await later.run(() => collect(later.tenant.managedDevicePages(all[0]?.next, later.options())));
    expect(rest).toEqual(all.slice(1));
    expect(later.http.seen.map((seen) => seen.path)).toEqual(['/v1.0/deviceManagement/managedDevices?$skiptoken=2']);
  });

  it('stop at a link that comes a second time', async () => {
    const { bench, outcome } = await list((n) => page([], `deviceManagement/managedDevices?$skiptoken=${n % 3}`));
    expect(outcome).toMatchObject({ kind: 'untrustedLink', message: expect.stringContaining('never end') });
    expect(bench.http.seen).toHaveLength(4);
  });

  it.each([
    'https://evil.example/v1.0/deviceManagement/managedDevices',
    `${GRAPH_ROOT}/beta/deviceManagement/managedDevices`,
  ])('send no token after the link %s', async (link) => {
    const { bench, outcome } = await list(() => ({ body: { value: [], '@odata.nextLink': link } }));
    expect(outcome).toMatchObject({ kind: 'untrustedLink' });
    expect(bench.http.seen).toHaveLength(1);
  });

  it('are requested one at a time, as they are asked for', async () => {
    const bench = createBench((_seen, n) => page([DEVICE], `deviceManagement/managedDevices?$skiptoken=${n}`));
    await bench.run(async () => {
      for await (const one of bench.tenant.managedDevicePages(undefined, bench.options())) {
        if (one.next?.endsWith('3')) break;
      }
    });
    expect(bench.http.seen).toHaveLength(3);
  });
});

describe('pages of recovery keys', () => {
  const KEY = {
    id: DEVICE.id,
    createdDateTime: '2026-11-20T10:11:12Z',
    deviceId: DEVICE.azureADDeviceId,
    volumeType: '1',
  };

  it.each([
    ['"1"', '1', 'operatingSystemVolume'],
    ['1', 1, 'operatingSystemVolume'],
    ['a name', 'operatingSystemVolume', 'operatingSystemVolume'],
    ['2', 2, 'fixedDataVolume'],
    ['another name', 'fixedDataVolume', 'fixedDataVolume'],
    ['"3"', '3', 'removableDataVolume'],
    ['a new member', 'quantumVolume', 'unknown'],
    ['null', null, 'unknown'],
  ])('read volumeType as %s', async (_name, volumeType, expected) => {
    const bench = createBench(() => page([{ ...KEY, volumeType, key: PLANTED_PASSWORD }]));
    const pages = await bench.run(() => collect(bench.tenant.recoveryKeyPages(undefined, bench.options())));
    expect(pages).toEqual([
      {
        items: [
          {
            keyId: KEY.id,
            entraDeviceId: KEY.deviceId.toLowerCase(),
            volumeType: expected,
            createdAtMs: Date.UTC(2026, 10, 20, 10, 11, 12),
          },
        ],
      },
    ]);
    expect(bench.pacer.acquired).toEqual([{ key: 1 }]);
  });

  it.each([
    ['an id', { ...KEY, id: undefined }, 'value[0].id'],
    ['a date', { ...KEY, createdDateTime: undefined }, 'value[0].createdDateTime'],
    ['a date with content', { ...KEY, createdDateTime: '' }, 'value[0].createdDateTime'],
  ])('are malformed without %s', async (_name, key, path) => {
    const bench = createBench(() => page([key]));
    const error = await bench.run(() => rejection(collect(bench.tenant.recoveryKeyPages(undefined, bench.options()))));
    expect(error).toMatchObject({ kind: 'malformed', message: expect.stringContaining(path) });
  });

  it('leave out keys that are filed under no device', async () => {
    const bench = createBench(() =>
      page([
        { ...KEY, deviceId: null },
        { ...KEY, deviceId: '' },
      ]),
    );
    expect(await bench.run(() => collect(bench.tenant.recoveryKeyPages(undefined, bench.options())))).toEqual([
      { items: [] },
    ]);
  });
});

describe('grantedRoles', () => {
  it.each([
    ['the roles of a readable token', jwt({ roles: ['B', 'A', 5] }), ['B', 'A']],
    ["the permissions of a person's token", jwt({ scp: 'A B' }), ['A', 'B']],
    ['none of a readable token without any', jwt({ aud: 'x' }), []],
    ['undefined for an opaque token', 'EwBwA8l6BAAU', undefined],
    ['undefined for three parts that are no JSON', 'a.b.c', undefined],
  ])('are %s', async (_name, token, expected) => {
    const bench = createBench(() => page([]), { tokenOf: () => token });
    expect(await bench.run(() => bench.tenant.grantedRoles(bench.stop.signal))).toEqual(expected);
    expect(bench.http.seen).toHaveLength(0);
  });
});
