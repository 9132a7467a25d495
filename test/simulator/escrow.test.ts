import { afterEach, describe, expect, it } from 'vitest';
import type { Fault } from '../../src/simulator/faults.ts';
import type { ViolationKind } from '../../src/simulator/referee.ts';
import { type Answer, createHarness, type Harness, HOUR, type Json, KEYS, ROOT, START_MS } from './harness.ts';

let current: Harness;
let expected: Partial<Record<ViolationKind, number>> = {};
const tenantOf = (options: Partial<Parameters<typeof createHarness>[0]> = {}): Harness => {
  current = createHarness({ devices: [{ osKeys: 2 }, { osKeys: 0 }], volumeTypes: 'symbolic', ...options });
  return current;
};
afterEach(() => {
  expect(current.tenant.referee.violationCounts).toEqual(expected);
  expected = {};
});

const SECRET = '111111-222222-333333-444444-555555-666666-000000-111111';
const OTHER = '222222-222222-333333-444444-555555-666666-000000-222222';
const USER = 'a1a1a1a1-0000-4000-8000-000000000001';
const KEY_ID = '0b0b0b0b-0000-4000-8000-00000000000b';
const ADD = `/v1.0/users/${USER}/informationProtection/bitlocker/recoveryKeys`;
const UPDATE = '/beta/bitlocker/recoveryKeys';

const deviceOf = (harness: Harness, index = 0): string => harness.tenant.truth.device(index)?.entraDeviceId ?? '';
/** The request both reference pages show, filled in. */
const bodyFor = (harness: Harness, changes: Record<string, unknown> = {}): Record<string, unknown> => ({
  '@odata.type': '#microsoft.graph.bitlockerRecoveryKey',
  deviceId: deviceOf(harness),
  key: SECRET,
  volumeType: 'operatingSystemVolume',
  ...changes,
});
const add = (harness: Harness, changes: Record<string, unknown> = {}): Answer =>
  harness.send('POST', ADD, { body: bodyFor(harness, changes) });
const update = (harness: Harness, changes: Record<string, unknown> = {}): Answer =>
  harness.send('PATCH', UPDATE, { body: bodyFor(harness, changes) });
const keysOf = (harness: Harness, index = 0): readonly Json[] =>
  harness.list(`${KEYS}?$filter=deviceId eq '${deviceOf(harness, index)}'`);

describe('adding a recovery key', () => {
  it.each(['v1.0', 'beta'])('in %s is answered 201 with the object of the reference page, the key in it', (version) => {
    const harness = tenantOf();
    const answer = harness.send('POST', ADD.replace('v1.0', version), { body: bodyFor(harness) });
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      '@odata.type': '#microsoft.graph.bitlockerRecoveryKey',
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      createdDateTime: new Date(START_MS).toISOString(),
      deviceId: deviceOf(harness),
      key: SECRET,
      volumeType: 'operatingSystemVolume',
    });
  });

  it.each(['operatingSystemVolume', 'fixedDataVolume', 'removableDataVolume'])(
    'of a %s shows in the list',
    (volume) => {
      const harness = tenantOf();
      const { id } = add(harness, { volumeType: volume }).body;
      const createdDateTime = new Date(START_MS).toISOString();
      const metadata = { id, createdDateTime, volumeType: volume, deviceId: deviceOf(harness) };
      expect(keysOf(harness).at(-1)).toEqual(metadata);
      expect(harness.get(`${KEYS}/${id}`).body).toEqual(metadata);
      expect(harness.list(KEYS)).toHaveLength(3);
    },
  );

  it('takes the id it is given, in any letter case, once', () => {
    const harness = tenantOf();
    expect(add(harness, { id: KEY_ID.toUpperCase() }).body.id).toBe(KEY_ID);
    expect(harness.get(`${KEYS}/${KEY_ID}`).status).toBe(200);
    expect(add(harness, { id: KEY_ID, key: OTHER }).status).toBe(409);
    expect(add(harness, { id: keysOf(harness)[0]?.id, key: OTHER }).status).toBe(409);
    expect(harness.tenant.receivedPassword(KEY_ID)).toBe(SECRET);
  });

  it('dates it itself', () => {
    const harness = tenantOf();
    const createdDateTime = '2019-01-02T03:04:05.678Z';
    expect(add(harness, { createdDateTime }).body.createdDateTime).toBe(new Date(START_MS).toISOString());
  });

  it('is told by the truth, the password apart', async () => {
    const harness = tenantOf();
    await harness.pass(HOUR);
    const { id } = add(harness).body;
    const { truth } = harness.tenant;
    expect(truth.escrowed).toEqual([
      {
        operation: 'add',
        userId: USER,
        entraDeviceId: deviceOf(harness),
        volume: 'operatingSystemVolume',
        keyId: id,
        atMs: START_MS + HOUR,
      },
    ]);
    expect(JSON.stringify(truth.escrowed)).not.toContain(SECRET);
    expect(harness.tenant.receivedPassword(`${id}`)).toBe(SECRET);
    expect(harness.tenant.receivedPassword(KEY_ID)).toBeUndefined();
    expect(truth.device(0)).toMatchObject({ rotated: 0, newestKey: { keyId: id } });
  });

  it('goes on with the rotations of the device, before and after', async () => {
    const harness = tenantOf({ devices: [{ osKeys: 1, checkInDelayMs: HOUR }] });
    const { managedDeviceId = '' } = harness.tenant.truth.device(0) ?? {};
    harness.rotate(managedDeviceId);
    add(harness, { id: KEY_ID });
    await harness.pass(2 * HOUR);
    harness.rotate(managedDeviceId);
    add(harness);
    await harness.pass(2 * HOUR);
    const ids = keysOf(harness).map(({ id }) => `${id}`);
    expect(new Set(ids).size).toBe(5);
    for (const id of ids) expect(harness.get(`${KEYS}/${id}`).body.id).toBe(id);
    expect(harness.tenant.truth.device(0)).toMatchObject({ requested: 2, rotated: 2 });
  });

  it('survives the rotation that a later one replaced', async () => {
    expected = { doubleRotation: 1 };
    const harness = tenantOf({ devices: [{ osKeys: 0, checkInDelayMs: HOUR }], secondRequest: 'merged' });
    const { managedDeviceId = '' } = harness.tenant.truth.device(0) ?? {};
    harness.rotate(managedDeviceId);
    const { id } = add(harness).body;
    harness.rotate(managedDeviceId);
    add(harness);
    await harness.pass(2 * HOUR);
    const ids = keysOf(harness).map((key) => `${key.id}`);
    expect(ids).toContain(`${id}`);
    expect(new Set(ids).size).toBe(3);
  });

  it('ends at 200 keys', () => {
    const harness = tenantOf({ devices: [{ kind: 'keyCap' }] });
    expect(add(harness).status).toBe(400);
    expect(keysOf(harness)).toHaveLength(200);
  });
});

describe('updating a recovery key', () => {
  it('is answered 200 with the object of the reference page and replaces the newest of device and volume', async () => {
    const harness = tenantOf();
    const before = keysOf(harness);
    const { id } = add(harness).body;
    await harness.pass(HOUR);
    add(harness, { volumeType: 'fixedDataVolume' });
    const answer = update(harness, { key: OTHER });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      '@odata.type': '#microsoft.graph.bitlockerRecoveryKey',
      id,
      createdDateTime: new Date(START_MS).toISOString(),
      volumeType: 'operatingSystemVolume',
      deviceId: deviceOf(harness),
      key: OTHER,
    });
    expect(harness.tenant.receivedPassword(`${id}`)).toBe(OTHER);
    expect(keysOf(harness)).toHaveLength(before.length + 2);
    const { userId: _, ...last } = harness.tenant.truth.escrowed.at(-1) ?? {};
    expect(last).toMatchObject({ operation: 'update', keyId: id });
    expect(harness.tenant.truth.escrowed.at(-1)).not.toHaveProperty('userId');
  });

  it('replaces the key of the id that it is given', () => {
    const harness = tenantOf();
    const [oldest] = keysOf(harness);
    expect(update(harness, { id: oldest?.id }).body.id).toBe(oldest?.id);
  });

  it.each([
    ['a device without keys', (harness: Harness) => ({ deviceId: deviceOf(harness, 1) })],
    ['a volume without keys', () => ({ volumeType: 'removableDataVolume' })],
    ['an id that no key has', () => ({ id: KEY_ID })],
    [
      'the id of another device',
      (harness: Harness) => ({ id: keysOf(harness)[0]?.id, deviceId: deviceOf(harness, 1) }),
    ],
  ])('is answered 404 for %s', (_, changes) => {
    const harness = tenantOf();
    expect(update(harness, changes(harness)).status).toBe(404);
    expect(harness.tenant.truth.escrowed).toEqual([]);
  });
});

describe.each([
  ['adding', add, 'POST', ADD],
  ['updating', update, 'PATCH', UPDATE],
] as const)('%s', (_, act, method, url) => {
  it.each<[string, number, Record<string, unknown>]>([
    ['a device nobody knows', 404, { deviceId: '11111111-2222-4333-8444-555555555555' }],
    ['a device that is a number', 400, { deviceId: 7 }],
    ['no device', 400, { deviceId: undefined }],
    ['no volume', 400, { volumeType: undefined }],
    ['an unknown volume', 400, { volumeType: 'floppyDisk' }],
    ['the volume that stands for others', 400, { volumeType: 'unknownFutureValue' }],
    ['a numbered volume', 400, { volumeType: 1 }],
    ['no type', 400, { '@odata.type': undefined }],
    ['another type', 400, { '@odata.type': '#microsoft.graph.managedDevice' }],
    ['seven groups', 400, { key: SECRET.slice(7) }],
    ['nine groups', 400, { key: `${SECRET}-111111` }],
    ['a letter', 400, { key: SECRET.replace('1', 'l') }],
    ['no hyphens', 400, { key: SECRET.replaceAll('-', '') }],
    ['a line after it', 400, { key: `${SECRET}\n` }],
    ['an id that is no GUID', 400, { id: 'seven' }],
    ['a date that is none', 400, { createdDateTime: 'yesterday' }],
    ['a property that does not exist', 400, { password: 'x' }],
  ])('refuses %s with %d, quotes the key, and keeps nothing', (_what, status, changes) => {
    const harness = tenantOf();
    const body = bodyFor(harness, changes);
    const answer = harness.send(method, url, { body });
    expect(answer.status).toBe(status);
    expect(JSON.stringify(answer.body.error)).toContain(`${body.key}`.trim());
    expect(harness.tenant.truth.escrowed).toEqual([]);
  });

  it('refuses no key, no object, no body, and what is not said to be JSON', () => {
    const harness = tenantOf();
    const json = { 'content-type': 'application/json' };
    expect(act(harness, { key: undefined }).status).toBe(400);
    expect(harness.send(method, url, { body: [1] }).status).toBe(400);
    expect(harness.send(method, url, { headers: json }).status).toBe(400);
    for (const type of ['', 'text/plain', 'application/jsonp']) {
      const headers = { 'content-type': type };
      expect(harness.send(method, url, { body: bodyFor(harness), headers }).status).toBe(400);
    }
    const headers = { 'content-type': 'application/json; charset=utf-8' };
    expect(harness.send(method, url, { body: bodyFor(harness), headers }).status).toBeLessThan(300);
  });

  it.each([405, 501, 400] as const)('can be refused with %d altogether, quoting the key', (escrow) => {
    const harness = tenantOf({ escrow });
    const answer = act(harness);
    expect(answer.status).toBe(escrow);
    expect(answer.text).toContain(SECRET);
    expect(harness.tenant.truth.escrowed).toEqual([]);
  });

  it('needs no role, or the one the tenant is made with', () => {
    expect(act(tenantOf({ roles: [] })).status).toBeLessThan(300);
    const harness = tenantOf({ roles: [], escrowRole: 'BitlockerKey.ReadWrite.All' });
    expect(act(harness).status).toBe(403);
    harness.tenant.setRoles(['BitlockerKey.ReadWrite.All']);
    const headers = { authorization: `Bearer ${harness.tenant.issueToken(ROOT).token}` };
    expect(harness.send(method, url, { body: bodyFor(harness), headers }).status).toBeLessThan(300);
  });

  it('counts in the class of recovery keys', () => {
    const harness = tenantOf({ throttling: { limits: { key: { limit: 2, windowMs: 20_000 } } } });
    expect([1, 2, 3].map(() => act(harness).status)).toEqual([expect.any(Number), expect.any(Number), 429]);
    expect(harness.tenant.referee.classes.key).toMatchObject({ requests: 3, throttled: 1 });
    expect(harness.tenant.truth.escrowed).toHaveLength(2);
  });

  it.each<[Fault, number | 'reset', number]>([
    [{ kind: 'status', status: 503 }, 503, 0],
    [{ kind: 'statusAfterEffect', status: 504 }, 504, 1],
    [{ kind: 'resetBefore' }, 'reset', 0],
    [{ kind: 'resetAfter' }, 'reset', 1],
  ])('meets faults: after %o it answers %s with %d effects', (fault, answer, effects) => {
    const harness = tenantOf();
    harness.tenant.script({ fault, method });
    if (answer === 'reset') expect(() => act(harness)).toThrow('connection reset');
    else expect(act(harness).status).toBe(answer);
    expect(harness.tenant.truth.escrowed).toHaveLength(effects);
  });

  it('refuses a query', () => {
    expected = { unsupportedQueryOption: 1 };
    const harness = tenantOf();
    expect(harness.send(method, `${url}?$select=id`, { body: bodyFor(harness) }).status).toBe(400);
  });
});

describe('a recovery password in a URL', () => {
  it.each([
    ['in the query', `${KEYS}?$filter=deviceId eq '${SECRET}'`],
    ['without hyphens', `${KEYS}?$filter=deviceId eq '${SECRET.replaceAll('-', '')}'`],
    ['escaped', `${KEYS}?$filter=deviceId eq '${SECRET.replaceAll('-', '%2D').replaceAll('0', '%30')}'`],
    ['in the path', `${KEYS}/${SECRET}`],
    ['where nothing is', `/v1.0/nothing/${SECRET}`],
  ])('%s is held against the client, and not repeated', (_, url) => {
    expected = { recoveryPasswordInUrl: 1 };
    const harness = tenantOf();
    harness.get(url);
    expect(JSON.stringify(harness.tenant.referee.violations)).not.toContain('222222');
  });

  it('in a part of a batch is held against the client', () => {
    expected = { recoveryPasswordInUrl: 1 };
    const url = `/informationProtection/bitlocker/recoveryKeys/${SECRET}`;
    tenantOf().batch('v1.0', [{ id: '1', method: 'GET', url }]);
  });

  it('is not seen in ids and page tokens', () => {
    const harness = tenantOf({ devices: 200, pageSize: 7 });
    for (const { id } of harness.list(KEYS)) harness.get(`${KEYS}/${id}`);
  });
});
