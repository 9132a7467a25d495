import { afterEach, describe, expect, it } from 'vitest';
import {
  CANARY_PLANTED_IN_DATA,
  CANARY_PLANTED_IN_ERRORS,
  CANARY_RECOVERY_PASSWORD,
} from '../../src/simulator/canary-secrets.ts';
import type { ViolationKind } from '../../src/simulator/referee.ts';
import {
  type Answer,
  createHarness,
  DEVICES,
  type Harness,
  HOUR,
  type Json,
  KEYS,
  ROOT,
  START_MS,
  STATES,
} from './harness.ts';

const DM = '/deviceManagement';
let current: Harness;
let expected: Partial<Record<ViolationKind, number>> = {};
const tenantOf: typeof createHarness = (options) => {
  current = createHarness(options);
  return current;
};
afterEach(() => {
  expect(current.tenant.referee.violationCounts).toEqual(expected);
  expected = {};
});

const strings = (items: readonly Json[], name: string): string[] => items.map((item) => `${item[name]}`);

describe('the list of managed devices', () => {
  it('comes in pages, with an opaque link, and holds every device once', () => {
    const harness = tenantOf({ devices: 2_500 });
    const first = harness.get(`${DEVICES}?$select=id,deviceName`);
    expect(first.body.value).toHaveLength(1_000);
    expect(`${first.body['@odata.nextLink']}`).toMatch(
      /^https:\/\/graph\.microsoft\.com\/v1\.0\/deviceManagement\/managedDevices\?.*\$select=id,deviceName&\$skiptoken=/,
    );
    const all = harness.list(`${DEVICES}?$select=id,deviceName`);
    expect(new Set(strings(all, 'id')).size).toBe(2_500);
    expect(Object.keys(all[0] ?? {})).toEqual(['id', 'deviceName']);
  });

  it('never tells what actions did', () => {
    const harness = tenantOf({ devices: [{ checkInDelayMs: 1 }] });
    harness.rotate(harness.tenant.truth.device(0)?.managedDeviceId ?? '');
    expect(harness.list(DEVICES)[0]?.deviceActionResults).toEqual([]);
  });

  it.each([
    ["operatingSystem eq 'Windows'", ['a', 'b', "o'neill"]],
    ["deviceName eq 'A'", ['a']],
    ["deviceName eq 'o''neill'", ["o'neill"]],
    ["serialNumber eq 'SN-B' and operatingSystem eq 'Windows'", ['b']],
    ["userPrincipalName eq 'x@contoso.example'", ['b']],
    ["azureADDeviceId eq '11111111-2222-4333-8444-555555555555'", ['a', "o'neill"]],
    ["azureADDeviceId eq '11111111-2222-4333-8444-000000000000'", []],
    [
      `lastSyncDateTime ge ${new Date(START_MS - 10 * HOUR).toISOString()} and operatingSystem eq 'Windows'`,
      ['a', "o'neill"],
    ],
    ["operatingSystem ne 'Windows'", ['mac']],
  ])('filters by %s', (filter, names) => {
    const entraDeviceId = '11111111-2222-4333-8444-555555555555';
    const harness = tenantOf({
      devices: [
        { name: 'a', entraDeviceId, lastSyncAgoMs: HOUR },
        { name: 'b', serialNumber: 'SN-B', userPrincipalName: 'x@contoso.example', lastSyncAgoMs: 11 * HOUR },
        { name: "o'neill", entraDeviceId, lastSyncAgoMs: HOUR },
        { name: 'mac', kind: 'otherPlatform', operatingSystem: 'macOS' },
      ],
    });
    expect(strings(harness.list(`${DEVICES}?$filter=${encodeURIComponent(filter)}`), 'deviceName')).toEqual(names);
  });

  const TWINS = [
    { name: 'LT-1', serialNumber: 'Default string', userPrincipalName: 'x@contoso.example' },
    { name: 'lt-1', serialNumber: 'SN-2', userPrincipalName: 'X@contoso.example' },
    { name: 'LT-1', serialNumber: 'Default string', userPrincipalName: 'y@contoso.example', operatingSystem: 'macOS' },
    { name: 'LT-3', serialNumber: 'SN-4', userPrincipalName: 'y@contoso.example' },
  ];
  it.each([
    ["deviceName eq 'LT-1'", [0, 1, 2]],
    ["operatingSystem eq 'Windows' and deviceName eq 'Lt-1'", [0, 1]],
    ["deviceName eq 'LT-1' and serialNumber eq 'Default string' and userPrincipalName eq 'y@contoso.example'", [2]],
    ["serialNumber eq 'default STRING'", [0, 2]],
    ["userPrincipalName eq 'x@contoso.example'", [0, 1]],
    ["userPrincipalName eq 'y@contoso.example' and deviceName ne 'LT-1'", [3]],
    ["deviceName eq 'LT-1' and lastSyncDateTime gt 2030-01-01T00:00:00Z", []],
    ["serialNumber eq 'nobody'", []],
  ])('finds the devices with %s, page by page, those that share a name as well', (filter, indices) => {
    const harness = tenantOf({ devices: TWINS, pageSize: 1 });
    const found = strings(harness.list(`${DEVICES}?$filter=${encodeURIComponent(filter)}`), 'id');
    expect(found).toEqual(indices.map((index) => harness.tenant.truth.device(index)?.managedDeviceId));
  });

  it('finds what it would find by walking, in a seeded fleet, where some people have two devices', () => {
    const harness = tenantOf({ devices: 300 });
    const all = harness.list(`${DEVICES}?$select=id,deviceName,serialNumber,userPrincipalName`);
    let several = 0;
    for (const property of ['deviceName', 'serialNumber', 'userPrincipalName']) {
      for (const device of all.slice(0, 60)) {
        const same = all.filter((other) => other[property] === device[property]);
        if (same.length > 1) several += 1;
        const found = harness.list(`${DEVICES}?$filter=${property} eq '${device[property]}'&$select=id`);
        expect(strings(found, 'id')).toEqual(strings(same, 'id'));
      }
    }
    expect(several).toBeGreaterThan(5);
  });

  it('no longer finds by name what was removed', () => {
    const harness = tenantOf({ devices: TWINS });
    harness.tenant.removeDevice(harness.tenant.truth.device(0)?.managedDeviceId ?? '');
    expect(harness.list(`${DEVICES}?$filter=serialNumber eq 'Default string'`)).toHaveLength(1);
  });

  it.each([
    '$skip=10',
    '$count=true',
    '$orderby=deviceName',
    '$filter=isEncrypted eq true',
    "$filter=deviceEnrollmentType eq 'windowsAzureADJoin'",
    "$filter=deviceName eq 'a' or deviceName eq 'b'",
    "$filter=startswith(deviceName,'a')",
    "$filter=lastSyncDateTime ge '2026-11-01T00:00:00Z'",
    '$select=id,recoveryKey',
    '$top=0',
  ])('refuses %s and holds it against the client', (query) => {
    expected = { unsupportedQueryOption: 1 };
    const answer = tenantOf({ devices: 5 }).get(`${DEVICES}?${query}`);
    expect(answer.status).toBe(400);
    expect(answer.body.error?.code).toBe('BadRequest');
  });

  it('refuses a skip token that was not given', () => {
    expected = { badSkipToken: 1 };
    expect(tenantOf({ devices: 5 }).get(`${DEVICES}?$skiptoken=MS4wLjA`).status).toBe(400);
  });

  it('gives smaller pages for $top', () => {
    const harness = tenantOf({ devices: 25 });
    expect(harness.get(`${DEVICES}?$top=10`).body.value).toHaveLength(10);
    expect(harness.list(`${DEVICES}?$top=10`)).toHaveLength(25);
  });
});

describe('recovery keys', () => {
  it('are listed with the names of the metadata and never with the key', () => {
    const harness = tenantOf({ devices: 300, pageSize: 200 });
    const all = harness.list(KEYS);
    expect(new Set(strings(all, 'id')).size).toBe(all.length);
    for (const key of all) expect(Object.keys(key)).toEqual(['id', 'createdDateTime', 'volumeType', 'deviceId']);
    expect(new Set(all.map(({ volumeType }) => `${typeof volumeType}:${volumeType}`))).toEqual(
      new Set([
        ...['string:operatingSystemVolume', 'string:1', 'number:1'],
        ...['string:fixedDataVolume', 'string:2', 'number:2'],
        ...['string:removableDataVolume', 'string:3', 'number:3'],
      ]),
    );
  });

  it('are found by device and by id, and a device at the cap has 200', () => {
    const harness = tenantOf({
      devices: [{ kind: 'keyCap' }, { osKeys: 2 }, { kind: 'noKey' }, { kind: 'noEntraId' }],
    });
    const of = (index: number): readonly Json[] =>
      harness.list(`${KEYS}?$filter=deviceId eq '${harness.tenant.truth.device(index)?.entraDeviceId}'`);
    expect([0, 1, 2, 3].map((index) => of(index).length)).toEqual([200, 2, 0, 0]);
    const id = of(1)[0]?.id;
    expect(harness.get(`${KEYS}/${id}`).body).toMatchObject({ id });
    expect(harness.get(`${KEYS}/11111111-2222-4333-8444-555555555555`).status).toBe(404);
  });

  it('are not given without a User-Agent', () => {
    expected = { missingUserAgent: 1 };
    expect(tenantOf({ devices: 5 }).send('GET', KEYS, { headers: { 'user-agent': '' } }).status).toBe(400);
  });

  it.each(['$top=5', '$skip=5', '$count=true', "$filter=volumeType eq '1'", "$filter=deviceId ne 'x'"])(
    'refuse %s',
    (query) => {
      expected = { unsupportedQueryOption: 1 };
      expect(tenantOf({ devices: 5 }).get(`${KEYS}?${query}`).status).toBe(400);
    },
  );

  it('answer a request for key material with a canary, hold it against the client, and log it', () => {
    expected = { keyMaterialRequested: 2 };
    const harness = tenantOf({ devices: [{ osKeys: 1 }] });
    const answer = harness.get(`${KEYS}?$select=id,key`);
    expect(answer.body.value?.[0]?.key).toBe(CANARY_RECOVERY_PASSWORD);
    expect(harness.get(`${KEYS}/${answer.body.value?.[0]?.id}?$select=key`).text).toContain(CANARY_RECOVERY_PASSWORD);
    const audits = harness.list("/v1.0/auditLogs/directoryAudits?$filter=activityDisplayName eq 'Read BitLocker key'");
    expect(audits).toHaveLength(2);
  });
});

describe('encryption states', () => {
  it('carry flags, lag behind, and are missing for some', async () => {
    const harness = tenantOf({ devices: 400 });
    const all = harness.list(STATES);
    const windows = harness.list(`${DEVICES}?$filter=operatingSystem eq 'Windows'`);
    expect(all.length).toBeLessThan(windows.length);
    expect(all.length).toBeGreaterThan(windows.length * 0.9);
    expect(strings(all, 'advancedBitLockerStates').some((flags) => flags.includes(','))).toBe(true);
    const listed = new Set(strings(all, 'id'));
    const missing = strings(windows, 'id').find((id) => !listed.has(id));
    expect(harness.get(`${STATES}/${missing}`).status).toBe(404);
    expect(harness.get(`${STATES}/${all[0]?.id}`).body).toEqual(all[0]);
  });

  it('show a failed backup hours after it happened', async () => {
    const harness = tenantOf({ devices: Array.from({ length: 40 }, () => ({ kind: 'escrowFailing' as const })) });
    const failing = (): number =>
      harness
        .list(STATES)
        .filter(({ advancedBitLockerStates }) => `${advancedBitLockerStates}`.includes('recoveryKeyBackupFailed'))
        .length;
    for (let i = 0; i < 40; i += 1) harness.rotate(harness.tenant.truth.device(i)?.managedDeviceId ?? '');
    await harness.pass(9 * HOUR);
    const soon = failing();
    await harness.pass(24 * HOUR);
    expect(soon).toBeLessThan(25);
    expect(failing()).toBeGreaterThan(35);
  });

  it('may be filed under another id', () => {
    const harness = tenantOf({ devices: [{}, {}, {}], encryptionStateIds: 'entraDeviceId' });
    const truth = harness.tenant.truth.device(0);
    expect(harness.get(`${STATES}/${truth?.managedDeviceId}`).status).toBe(404);
    expect(harness.get(`${STATES}/${truth?.entraDeviceId}`).status).toBe(200);
  });
});

describe('audits', () => {
  it('list every accepted rotation with its state', async () => {
    const harness = tenantOf({ devices: [{ checkInDelayMs: 1_000 }, { kind: 'offline' }], pageSize: 1 });
    for (const index of [0, 1]) harness.rotate(harness.tenant.truth.device(index)?.managedDeviceId ?? '');
    await harness.pass(HOUR);
    const audits = harness.list(`/beta${DM}/remoteActionAudits`);
    expect(audits.map(({ action, actionState }) => [action, actionState])).toEqual([
      ['rotateBitLockerKeys', 'done'],
      ['rotateBitLockerKeys', 'pending'],
    ]);
  });

  it('list who read which key, by time', async () => {
    const harness = tenantOf({ devices: [{}] });
    const { managedDeviceId = '', entraDeviceId } = harness.tenant.truth.device(0) ?? {};
    harness.tenant.discloseKey(managedDeviceId, 'helpdesk@contoso.example');
    await harness.pass(HOUR);
    harness.tenant.discloseKey(managedDeviceId, 'admin@contoso.example');
    const since = new Date(START_MS + 60_000).toISOString();
    const audits = harness.list(`/v1.0/auditLogs/directoryAudits?$filter=activityDateTime ge ${since}`);
    expect(audits).toHaveLength(1);
    expect(audits[0]?.initiatedBy?.user?.userPrincipalName).toBe('admin@contoso.example');
    expect(audits[0]?.targetResources?.[0]?.id).toBe(entraDeviceId);
  });
});

describe('v1.0 and beta', () => {
  it.each([
    ['POST', '/v1.0/deviceManagement/managedDevices/x/rotateBitLockerKeys', 405],
    ['GET', '/v1.0/deviceManagement/managedDeviceEncryptionStates', 400],
    ['GET', '/v1.0/deviceManagement/remoteActionAudits', 400],
    ['GET', '/v1.0/deviceManagement/comanagedDevices', 400],
    ['POST', '/v1.0/deviceManagement/managedDeviceEncryptionStates', 400],
    ['PATCH', '/v1.0/bitlocker/recoveryKeys', 400],
    ['GET', '/v1.0/deviceManagement/deviceHealthScripts/x/deviceRunStates', 400],
  ])('are kept apart: %s %s is answered %d', (method, path, status) => {
    expected = { wrongVersion: 1 };
    expect(tenantOf({ devices: 1 }).send(method, path).status).toBe(status);
  });

  it.each([
    ['GET', '/beta/deviceManagement/nothing', 404],
    ['DELETE', '/v1.0/deviceManagement/managedDevices', 405],
    ['GET', '/v2.0/deviceManagement/managedDevices', 400],
    ['POST', '/v1.0/informationProtection/bitlocker/recoveryKeys', 405],
    ['PATCH', '/beta/informationProtection/bitlocker/recoveryKeys', 405],
    ['GET', '/beta/bitlocker/recoveryKeys', 405],
  ])('answer what does not exist in the error envelope: %s %s is %d', (method, path, status) => {
    const answer = tenantOf({ devices: 1 }).send(method, path);
    expect(answer.status).toBe(status);
    expect(Object.keys(answer.body.error ?? {})).toEqual(expect.arrayContaining(['code', 'message']));
  });

  it('list only co-managed devices as such, in beta', () => {
    const harness = tenantOf({ devices: [{ kind: 'coManaged' }, {}, { enrollmentType: 'windowsCoManagement' }] });
    const all = harness.list(`/beta${DM}/comanagedDevices`);
    expect(strings(all, 'joinType')).toEqual(['hybridAzureADJoined', 'hybridAzureADJoined']);
    const one = (index: number): Answer => {
      const { managedDeviceId } = harness.tenant.truth.device(index) ?? {};
      return harness.get(`/beta${DM}/comanagedDevices/${managedDeviceId}?$select=id,deviceName`);
    };
    expect([0, 1, 2].map((index) => one(index).status)).toEqual([200, 404, 200]);
    expect(Object.keys(one(0).body)).toEqual(['@odata.context', 'id', 'deviceName']);
  });
});

describe('every answer', () => {
  it('has the date in whole seconds of the tenant, a request id, and the client request id it was given', () => {
    const harness = tenantOf({ devices: 1, clockSkewMs: 90_000 });
    const clientRequestId = '11111111-2222-4333-8444-555555555555';
    for (const path of [DEVICES, `${DEVICES}/11111111-2222-4333-8444-555555555555`, `/beta${DM}/nothing`]) {
      const { headers } = harness.send('GET', path, { headers: { 'client-request-id': clientRequestId } });
      expect(Date.parse(headers.date ?? '')).toBe(Math.floor((START_MS + 90_000) / 1000) * 1000);
      expect(headers['request-id']).toMatch(/^[0-9a-f-]{36}$/);
      expect(headers['client-request-id']).toBe(clientRequestId);
    }
  });

  it('wants a client request id', () => {
    expected = { missingClientRequestId: 1 };
    tenantOf({ devices: 1 }).send('GET', DEVICES, { headers: { 'client-request-id': 'one' } });
  });

  it('of Intune hides its own JSON in the message of an error, once or twice', () => {
    const harness = tenantOf({ devices: 1 });
    const depths = Array.from({ length: 20 }, () => {
      let message = `${harness.get(`${DEVICES}/11111111-2222-4333-8444-555555555555`).body.error?.message}`;
      let depth = 0;
      while (message.startsWith('{')) {
        message = (JSON.parse(message) as { Message: string }).Message;
        depth += 1;
      }
      expect(message).toContain('manage.example');
      return depth;
    });
    expect(new Set(depths)).toEqual(new Set([1, 2]));
  });

  it('can carry planted secrets, in data, errors and headers', () => {
    const harness = tenantOf({ devices: 2, plantSecrets: true });
    expect(harness.get(KEYS).text).toContain(CANARY_PLANTED_IN_DATA);
    expect(harness.get(`${DEVICES}?$select=id`).text).toContain(CANARY_PLANTED_IN_DATA);
    const gone = harness.get(`${DEVICES}/11111111-2222-4333-8444-555555555555`);
    expect(gone.text).toContain(CANARY_PLANTED_IN_ERRORS);
    expect(JSON.stringify(gone.headers)).toContain(CANARY_PLANTED_IN_ERRORS);
    expect(() => JSON.parse(harness.get(KEYS).text)).not.toThrow();
  });
});

describe('access', () => {
  const tokenFor = (harness: Harness, resource: string): Record<string, string> => ({
    authorization: `Bearer ${harness.tenant.issueToken(resource).token}`,
  });

  it.each([
    ['no token', () => ({ authorization: '' })],
    ['nonsense', () => ({ authorization: 'Bearer nonsense' })],
    ['a token for someone else', (harness: Harness) => tokenFor(harness, 'https://vault.azure.net')],
  ])('is refused with 401 and a challenge for %s', (_, headers) => {
    const harness = tenantOf({ devices: 1 });
    const answer = harness.send('GET', DEVICES, { headers: headers(harness) });
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toContain('Bearer');
    expect(answer.body.error?.code).toBe('InvalidAuthenticationToken');
  });

  it('ends with the token', async () => {
    const harness = tenantOf({ devices: 1, tokenLifetimeMs: HOUR });
    const headers = tokenFor(harness, ROOT);
    expect(harness.send('GET', DEVICES, { headers }).status).toBe(200);
    await harness.pass(HOUR);
    expect(harness.send('GET', DEVICES, { headers }).status).toBe(401);
    expect(harness.get(DEVICES).status).toBe(200);
  });

  it.each([
    ['GET', DEVICES, 'DeviceManagementManagedDevices.Read.All'],
    ['POST', `/beta${DM}/managedDevices/x/rotateBitLockerKeys`, 'DeviceManagementManagedDevices.ReadWrite.All'],
    ['GET', KEYS, 'BitlockerKey.ReadBasic.All'],
    ['GET', STATES, 'DeviceManagementConfiguration.Read.All'],
    ['POST', STATES, 'DeviceManagementConfiguration.ReadWrite.All'],
    ['GET', '/v1.0/auditLogs/directoryAudits', 'AuditLog.Read.All'],
  ])('to %s %s needs %s', (method, path, role) => {
    const harness = tenantOf({ devices: 1, roles: [] });
    const refused = harness.send(method, path);
    expect(refused.status).toBe(403);
    expect(refused.body.error?.code).not.toBe('UnknownError');
    harness.tenant.setRoles([role]);
    expect(harness.send(method, path, { headers: tokenFor(harness, ROOT) }).status).not.toBe(403);
  });

  it('tells its roles in the token', async () => {
    const harness = tenantOf({ devices: 1, roles: ['AuditLog.Read.All'] });
    const token = await harness.tenant.credential().getToken(`${ROOT}/.default`);
    const claims = JSON.parse(Buffer.from(token?.token.split('.')[1] ?? '', 'base64url').toString());
    expect(claims).toMatchObject({ aud: ROOT, tid: harness.tenant.tenantId, roles: ['AuditLog.Read.All'] });
    expect(token?.expiresOnTimestamp).toBe(claims.exp * 1000);
    expect(harness.tenant.issuedTokens).toContain(token?.token);
  });
});
