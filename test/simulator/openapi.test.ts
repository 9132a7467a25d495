import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { CANARY_RECOVERY_PASSWORD } from '../../src/simulator/canary-secrets.ts';
import { createHarness, DEVICES, type Harness, HOUR, type Json, KEYS, STATES } from './harness.ts';

interface Property {
  readonly type?: string;
  readonly format?: string;
  readonly enum?: readonly string[];
  /** Members of a flags enum: values are comma-separated names. */
  readonly flags?: readonly string[];
  readonly nullable?: boolean;
}
type Type = Readonly<Record<string, Property>>;

/** Types of one version, trimmed from the OpenAPI description of Graph. */
function typesOf(version: 'v1.0' | 'beta'): Readonly<Record<string, Type>> {
  const file = path.join(import.meta.dirname, '../fixtures/openapi', `graph-${version}-types.json`);
  return (JSON.parse(readFileSync(file, 'utf8')) as { types: Readonly<Record<string, Type>> }).types;
}

const V1 = typesOf('v1.0');
const BETA = typesOf('beta');
const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([.]\d{1,12})?Z$/;

/** Everything about the object that the type does not allow. */
function problemsOf(type: Type | undefined, value: Json): string[] {
  if (type === undefined) return ['no such type'];
  return Object.entries(value).flatMap(([name, actual]: [string, unknown]) => {
    const property = type[name];
    if (property === undefined) return name === '@odata.context' ? [] : [`${name} does not exist`];
    const problem = problemOf(property, actual);
    return problem === undefined ? [] : [`${name}: ${problem} (${JSON.stringify(actual)})`];
  });
}

function problemOf(property: Property, actual: unknown): string | undefined {
  if (actual === null) return property.nullable === true ? undefined : 'must not be null';
  if (property.enum !== undefined) return property.enum.includes(`${actual}`) ? undefined : 'not a member';
  if (property.flags !== undefined) {
    return `${actual}`.split(',').every((flag) => property.flags?.includes(flag)) ? undefined : 'not members';
  }
  switch (property.type) {
    case 'string':
      if (typeof actual !== 'string') return 'must be text';
      return property.format === 'date-time' && !DATE_TIME.test(actual) ? 'must be a date and time' : undefined;
    case 'boolean':
      return typeof actual === 'boolean' ? undefined : 'must be a boolean';
    case 'integer':
    case 'number':
      if (typeof actual !== 'number' || !Number.isInteger(actual)) return 'must be a whole number';
      return property.format === 'int32' && Math.abs(actual) > 2 ** 31 ? 'must fit 32 bits' : undefined;
    case 'array':
      return Array.isArray(actual) ? undefined : 'must be an array';
    default:
      return typeof actual === 'object' ? undefined : 'must be an object';
  }
}

const expectAll = (type: Type | undefined, values: readonly Json[]): void => {
  expect(values.length).toBeGreaterThan(0);
  expect(new Set(values.flatMap((value) => problemsOf(type, value)))).toEqual(new Set());
};

/** A mixed fleet, all of it asked, half a day later. */
async function busyTenant(): Promise<Harness> {
  const harness = createHarness({
    devices: 600,
    volumeTypes: 'symbolic',
    throttling: { limits: { write: { limit: 10_000, windowMs: 20_000 } } },
  });
  for (const { managedDeviceId } of harness.tenant.truth.devices()) harness.rotate(managedDeviceId);
  await harness.pass(12 * HOUR);
  return harness;
}

describe('answers of the simulated tenant are of the types that Graph describes', () => {
  it('managed devices, in both versions', async () => {
    const harness = await busyTenant();
    expectAll(V1.managedDevice, harness.list(DEVICES));
    expectAll(BETA.managedDevice, harness.list('/beta/deviceManagement/managedDevices'));
    expectAll(V1.managedDeviceCollectionResponse, [harness.get(DEVICES).body]);
  });

  it('action results', async () => {
    const harness = await busyTenant();
    const details = [...harness.tenant.truth.devices()]
      .map(({ managedDeviceId }) => harness.get(`${DEVICES}/${managedDeviceId}`))
      .filter(({ status }) => status === 200);
    expectAll(
      V1.managedDevice,
      details.map(({ body }) => body),
    );
    const results = details.flatMap(({ body }) => body.deviceActionResults as unknown as Json[]);
    expectAll(V1.rotateBitLockerKeysDeviceActionResult, results);
    expect(new Set(results.map(({ actionState }) => `${actionState}`))).toEqual(
      new Set(['pending', 'active', 'done', 'failed', 'notSupported', 'canceled']),
    );
  });

  it('recovery keys', async () => {
    const harness = await busyTenant();
    expectAll(V1.bitlockerRecoveryKey, harness.list(KEYS));
  });

  it('recovery keys that were added or updated', async () => {
    const harness = createHarness({ devices: [{}] });
    const body = {
      '@odata.type': '#microsoft.graph.bitlockerRecoveryKey',
      deviceId: harness.tenant.truth.device(0)?.entraDeviceId,
      key: CANARY_RECOVERY_PASSWORD,
      volumeType: 'operatingSystemVolume',
    };
    const added = harness.send('POST', '/v1.0/users/u1/informationProtection/bitlocker/recoveryKeys', { body });
    expectAll(V1.bitlockerRecoveryKey, [added.body]);
    const updated = harness.send('PATCH', '/beta/bitlocker/recoveryKeys', { body });
    expectAll(BETA.bitlockerRecoveryKey, [updated.body]);
  });

  it('encryption states, also those that were created from what was read', async () => {
    const harness = await busyTenant();
    const read = harness.list(STATES).slice(0, 50);
    const created = read.map((body) => harness.send('POST', STATES, { body }));
    expect(new Set(created.map(({ status }) => status))).toEqual(new Set([201]));
    const states = harness.list(STATES);
    expect(states.slice(-50)).toEqual(created.map(({ body }) => body));
    expectAll(BETA.managedDeviceEncryptionState, states);
    expectAll(
      BETA.encryptionReportPolicyDetails,
      states.flatMap(({ policyDetails }) => policyDetails as unknown as Json[]),
    );
  });

  it('audits', async () => {
    const harness = await busyTenant();
    expectAll(BETA.remoteActionAudit, harness.list('/beta/deviceManagement/remoteActionAudits'));
    harness.tenant.discloseKey(harness.tenant.truth.device(0)?.managedDeviceId ?? '', 'helpdesk@contoso.example');
    expectAll(V1.directoryAudit, harness.list('/v1.0/auditLogs/directoryAudits'));
  });

  it('errors and batches', async () => {
    const harness = await busyTenant();
    const id = '11111111-2222-4333-8444-555555555555';
    const answers = Array.from({ length: 20 }, () => harness.get(`${DEVICES}/${id}`).body);
    expectAll(V1['ODataErrors.ODataError'], answers);
    expectAll(
      V1['ODataErrors.MainError'],
      answers.map(({ error }) => error as Json).filter((error) => !('innererror' in error)),
    );
    const inner = answers.map(({ error }) => (error?.innerError ?? error?.innererror) as Json);
    expectAll(V1['ODataErrors.InnerError'], inner);
    const batch = harness.batch('v1.0', [{ id: '1', method: 'GET', url: `/deviceManagement/managedDevices/${id}` }]);
    expectAll(V1.BatchResponseItem, batch.body.responses as unknown as Json[]);
  });
});
