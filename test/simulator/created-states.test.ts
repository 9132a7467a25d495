import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Fault } from '../../src/simulator/faults.ts';
import type { ViolationKind } from '../../src/simulator/referee.ts';
import { type Answer, createHarness, type Harness, HOUR, ROOT, STATES } from './harness.ts';

let current: Harness;
let expected: Partial<Record<ViolationKind, number>> = {};
const tenantOf = (options: Partial<Parameters<typeof createHarness>[0]> = {}): Harness => {
  current = createHarness({ devices: 2, ...options });
  return current;
};
afterEach(() => {
  expect(current.tenant.referee.violationCounts).toEqual(expected);
  expected = {};
});

/** The request of the reference page, "Create managedDeviceEncryptionState". */
const PAGE = {
  '@odata.type': '#microsoft.graph.managedDeviceEncryptionState',
  userPrincipalName: 'User Principal Name value',
  deviceType: 'windowsRT',
  osVersion: 'Os Version value',
  tpmSpecificationVersion: 'Tpm Specification Version value',
  deviceName: 'Device Name value',
  encryptionReadinessState: 'ready',
  encryptionState: 'encrypted',
  encryptionPolicySettingState: 'notApplicable',
  advancedBitLockerStates: 'noUserConsent',
  fileVaultStates: 'driveEncryptedByUser',
  policyDetails: [
    {
      '@odata.type': 'microsoft.graph.encryptionReportPolicyDetails',
      policyId: 'Policy Id value',
      policyName: 'Policy Name value',
    },
  ],
};
const create = (harness: Harness, body: unknown = PAGE): Answer => harness.send('POST', STATES, { body });

interface Property {
  readonly enum?: readonly string[];
  readonly flags?: readonly string[];
  readonly nullable?: boolean;
}
const file = path.join(import.meta.dirname, '../fixtures/openapi/graph-beta-types.json');
const { types } = JSON.parse(readFileSync(file, 'utf8')) as { types: Record<string, Record<string, Property>> };
const PROPERTIES = Object.entries(types.managedDeviceEncryptionState ?? {});

describe('creating an encryption state', () => {
  it('is answered 201 with the object of the reference page, under an id of the tenant, and listed', () => {
    const harness = tenantOf();
    const before = harness.list(STATES).length;
    const created = create(harness);
    expect(created.status).toBe(201);
    expect(created.body).toEqual({ ...PAGE, id: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    expect(harness.get(`${STATES}/${created.body.id}`).body).toEqual(created.body);
    expect(harness.list(STATES).slice(before)).toEqual([created.body]);
  });

  it('does not take the place of the state that the device has', () => {
    const harness = tenantOf({ devices: 20 });
    const [state] = harness.list(STATES);
    const created = create(harness, state);
    expect(created.body.id).not.toBe(state?.id);
    expect(harness.get(`${STATES}/${state?.id}`).body).toEqual(state);
    expect(harness.tenant.truth.createdStates).toMatchObject([{ id: created.body.id, givenId: state?.id }]);
  });

  it('is paged with the others', () => {
    const harness = tenantOf({ devices: 5, pageSize: 2 });
    const before = harness.list(STATES).length;
    for (let i = 0; i < 7; i += 1) create(harness, { ...PAGE, deviceName: `PC-${i}` });
    const names = harness.list(STATES).map(({ deviceName }) => `${deviceName}`);
    expect(names.slice(before)).toEqual([0, 1, 2, 3, 4, 5, 6].map((i) => `PC-${i}`));
  });

  it('is counted by the name and by the id that were given', async () => {
    const harness = tenantOf();
    const { truth } = harness.tenant;
    for (let i = 0; i < 3; i += 1) {
      create(harness, { ...PAGE, deviceName: `PC-${i % 2}`, id: 'one' });
      await harness.pass(2 * HOUR);
    }
    expect(truth.createdStates).toHaveLength(3);
    expect(['pc-0', 'PC-1', 'ONE', 'nobody'].map((name) => truth.createdStatesOf(name))).toEqual([2, 1, 3, 0]);
  });

  it.each(PROPERTIES.flatMap(([name, { enum: one = [], flags = [] }]) => [...one, ...flags].map((m) => [name, m])))(
    'takes %s %s',
    (name, member) => {
      expect(create(tenantOf(), { ...PAGE, [`${name}`]: member }).status).toBe(201);
    },
  );

  it('takes several flags', () => {
    expect(create(tenantOf(), { ...PAGE, advancedBitLockerStates: 'tpmNotReady,networkError' }).status).toBe(201);
  });

  it.each(PROPERTIES.map(([name, { nullable = false }]) => [name, nullable ? 201 : 400] as const))(
    'answers null for %s with %d',
    (name, status) => {
      expect(create(tenantOf(), { ...PAGE, [name]: null }).status).toBe(status);
    },
  );

  it.each<[string, unknown]>([
    ...PROPERTIES.map(([name]): [string, unknown] => [`a number for ${name}`, { ...PAGE, [name]: 7 }]),
    ...PROPERTIES.filter(([, { enum: one, flags }]) => one ?? flags).map(([name]): [string, unknown] => [
      `an unknown member for ${name}`,
      { ...PAGE, [name]: 'unheardOf' },
    ]),
    ['one unknown flag among others', { ...PAGE, advancedBitLockerStates: 'tpmNotReady,unheardOf' }],
    ['a property that does not exist', { ...PAGE, isEncrypted: true }],
    ['a property of every object', { ...PAGE, constructor: 'x' }],
    ['another type', { ...PAGE, '@odata.type': '#microsoft.graph.managedDevice' }],
    ['a policy that is text', { ...PAGE, policyDetails: ['BitLocker'] }],
    ['a policy with a number', { ...PAGE, policyDetails: [{ policyId: 1, policyName: 'x' }] }],
    ['no object', [PAGE]],
  ])('refuses %s with 400 and creates nothing', (_, body) => {
    const harness = tenantOf();
    const answer = create(harness, body);
    expect([answer.status, answer.body.error?.code]).toEqual([400, 'BadRequest']);
    expect(harness.tenant.truth.createdStates).toEqual([]);
  });

  it('refuses what is not said to be JSON, and no body at all', () => {
    const harness = tenantOf();
    const headers = { 'content-type': 'text/plain' };
    expect(harness.send('POST', STATES, { body: PAGE, headers }).status).toBe(400);
    expect(harness.send('POST', STATES).status).toBe(400);
    expect(harness.send('POST', STATES, { headers: { 'content-type': 'application/json' } }).status).toBe(400);
  });

  it('refuses a query', () => {
    expected = { unsupportedQueryOption: 1 };
    expect(tenantOf().send('POST', `${STATES}?$select=id`, { body: PAGE }).status).toBe(400);
  });

  it.each([
    [405, 'MethodNotAllowed'],
    [501, 'NotImplemented'],
    [400, 'BadRequest'],
  ] as const)('can be refused with %d altogether', (stateCreation, code) => {
    const harness = tenantOf({ stateCreation });
    const answer = create(harness);
    expect([answer.status, answer.body.error?.code]).toEqual([stateCreation, code]);
    expect(harness.tenant.truth.createdStates).toEqual([]);
    expect(harness.get(STATES).status).toBe(200);
  });

  it('needs DeviceManagementConfiguration.ReadWrite.All', () => {
    const harness = tenantOf({ roles: ['DeviceManagementConfiguration.Read.All'] });
    expect(create(harness).status).toBe(403);
    harness.tenant.setRoles(['DeviceManagementConfiguration.ReadWrite.All']);
    const headers = { authorization: `Bearer ${harness.tenant.issueToken(ROOT).token}` };
    expect(harness.send('POST', STATES, { body: PAGE, headers }).status).toBe(201);
  });

  it('has a budget of 100 in 20 s, within 1,000 of any request', async () => {
    const harness = tenantOf();
    const statuses = Array.from({ length: 102 }, (_, i) => create(harness, { ...PAGE, deviceName: `PC-${i}` }).status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(100);
    expect(statuses.slice(100)).toEqual([429, 429]);
    const { stateWrite, stateAny } = harness.tenant.referee.classes;
    expect([stateWrite.requests, stateWrite.throttled, stateAny.requests]).toEqual([102, 2, 102]);
    await harness.pass(41_000);
    expect(create(harness).status).toBe(201);
    // The second 429 came during the pause that the first one asked for: both were sent at the same instant, so it is no violation.
    expect(harness.tenant.truth.createdStates).toHaveLength(101);
  });

  it.each<[Fault, number | 'reset', number]>([
    [{ kind: 'status', status: 503 }, 503, 0],
    [{ kind: 'statusAfterEffect', status: 504 }, 504, 1],
    [{ kind: 'resetBefore' }, 'reset', 0],
    [{ kind: 'resetAfter' }, 'reset', 1],
  ])('meets faults: after %o it answers %s and has created %d', (fault, answer, created) => {
    const harness = tenantOf();
    harness.tenant.script({ fault, method: 'POST', path: /managedDeviceEncryptionStates$/ });
    if (answer === 'reset') expect(() => create(harness)).toThrow('connection reset');
    else expect(create(harness).status).toBe(answer);
    expect(harness.tenant.truth.createdStates).toHaveLength(created);
    expect(harness.tenant.unusedFaults()).toEqual([]);
  });
});

describe('the referee', () => {
  it('objects to the same state sent again', async () => {
    expected = { duplicateStateCreation: 1 };
    const harness = tenantOf();
    create(harness);
    await harness.pass(30 * 60_000);
    expect(create(harness).status).toBe(201);
  });

  it('does not object to another device, another state, or an equal one much later', async () => {
    const harness = tenantOf();
    create(harness);
    create(harness, { ...PAGE, deviceName: 'another' });
    create(harness, { ...PAGE, encryptionState: 'notEncrypted' });
    await harness.pass(HOUR);
    create(harness);
  });

  it('grants devices of one name a state each', () => {
    expected = { duplicateStateCreation: 1 };
    const harness = tenantOf({ devices: [{ name: 'twin' }, { name: 'Twin' }, { name: 'another' }] });
    for (let i = 0; i < 3; i += 1) create(harness, { ...PAGE, deviceName: 'twin' });
    create(harness, { ...PAGE, deviceName: 'another' });
  });

  it('measures by the speed, or by what it was given', async () => {
    expected = { duplicateStateCreation: 1 };
    const harness = tenantOf({ speed: 1_000, duplicateStateWithinMs: 2 * HOUR });
    create(harness);
    await harness.pass(7_100);
    create(harness);
    await harness.pass(7_300);
    create(harness);
  });
});
