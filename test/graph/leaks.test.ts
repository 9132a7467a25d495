import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EncryptionState } from '../../src/domain/encryption-state.ts';
import { GraphError } from '../../src/domain/graph-error.ts';
import { type EntraDeviceId, parseManagedDeviceId } from '../../src/domain/ids.ts';
import { forbidden } from '../../src/graph/errors.ts';
import { faultCode, safeRequestId } from '../../src/graph/redaction.ts';
import {
  type Bench,
  collect,
  createBench,
  errorBody,
  GRAPH_ROOT,
  jwt,
  PLANTED_PASSWORD,
  REQUEST_ID,
  type Reply,
} from './fakes.ts';

const managedDeviceId = parseManagedDeviceId('11111111-0000-4000-8000-000000000001');
const STATE: EncryptionState = {
  id: 's1',
  deviceName: 'PC-1',
  userPrincipalName: 'ann@contoso.com',
  deviceType: 'desktop',
  osVersion: '10.0.22631.4037',
  tpmSpecificationVersion: '2.0',
  encryptionReadinessState: 'ready',
  encryptionState: 'encrypted',
  encryptionPolicySettingState: 'compliant',
  advancedBitLockerStates: ['success'],
  fileVaultStates: [],
  policyDetails: [],
};
const TOKEN = jwt({ roles: [], secret: 'in the token' });
const CALLS: Readonly<Record<string, (bench: Bench) => Promise<unknown>>> = {
  'listing devices': ({ tenant, options }) => collect(tenant.managedDevicePages(undefined, options(60_000))),
  'listing keys': ({ tenant, options }) => collect(tenant.recoveryKeyPages(undefined, options(60_000))),
  'reading devices': ({ tenant, options }) => tenant.managedDevices([managedDeviceId], options(60_000)),
  'reading action results': ({ tenant, options }) => tenant.actionResults([managedDeviceId], options(60_000)),
  'reading keys': ({ tenant, options }) =>
    tenant.recoveryKeys([managedDeviceId as string as EntraDeviceId], options(60_000)),
  'reading states': ({ tenant, options }) => tenant.encryptionStates([managedDeviceId], options(60_000)),
  'reading co-managed devices': ({ tenant, options }) => tenant.comanagedDevices([managedDeviceId], options(60_000)),
  'finding devices': ({ tenant, options }) => tenant.devicesNamed('deviceName', ['PC-1'], options(60_000)),
  'reading run states': ({ tenant, options }) => tenant.runStates('deviceHealthScript', 's1', ['r1'], options(60_000)),
  'listing run states': ({ tenant, options }) =>
    collect(tenant.runStatePages('deviceManagementScript', 's1', undefined, options(60_000))),
  'creating a state': ({ tenant, options }) => tenant.createEncryptionState(STATE, options(60_000)),
  'requesting a rotation': ({ tenant, options }) =>
    tenant.requestRotation({ via: 'managedDevice', managedDeviceId }, options(60_000)),
};

/** Everything a log line, row or terminal could make of a value. */
function everythingOf(value: unknown): string {
  const cause = value instanceof Error ? value.cause : undefined;
  return [value, cause]
    .map((one) => `${String(one)} ${inspect(one, { depth: 10, showHidden: true })} ${JSON.stringify(one)}`)
    .join('\n');
}

const planted: Reply = {
  body: errorBody(
    'UnknownError',
    JSON.stringify({ Message: PLANTED_PASSWORD, Url: `https://x/?key=${PLANTED_PASSWORD}` }),
  ),
  headers: {
    'request-id': PLANTED_PASSWORD,
    'client-request-id': PLANTED_PASSWORD,
    location: `https://x/${PLANTED_PASSWORD}`,
    'www-authenticate': `Bearer error="${PLANTED_PASSWORD}"`,
    'retry-after': '300',
  },
};
const replies: readonly Reply[] = [
  ...[302, 400, 401, 403, 404, 408, 409, 429, 500, 503].map((status) => ({ ...planted, status })),
  { fault: 'ECONNRESET' },
  { fault: PLANTED_PASSWORD },
  { hang: true },
  { body: PLANTED_PASSWORD },
  { body: { value: [{ id: PLANTED_PASSWORD, key: PLANTED_PASSWORD }], responses: [{ id: PLANTED_PASSWORD }] } },
  { body: { value: [], '@odata.nextLink': `https://evil.example/v1.0/?key=${PLANTED_PASSWORD}` } },
  { body: { value: [], '@odata.nextLink': `${GRAPH_ROOT}/v1.0/x?key=${PLANTED_PASSWORD}` } },
  ...[200, 400, 401, 403, 429, 503].map((status) => ({
    body: { responses: [{ id: '1', status, headers: planted.headers, body: { ...(planted.body as object), id: 5 } }] },
  })),
];

describe.each(Object.entries(CALLS))('%s', (_name, call) => {
  it.each(replies.map((reply, i) => [i, reply] as const))(
    'shows nothing of answer %i: no payload, no token, no query',
    async (_i, reply) => {
      const bench = createBench(() => reply, { tokenOf: () => TOKEN });
      const outcome = await bench.run(() => call(bench).catch((error: unknown) => error));
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(GraphError);
      const shown = `${everythingOf(outcome)}\n${everythingOf(bench.logger.lines)}`;
      for (const secret of [PLANTED_PASSWORD, TOKEN, TOKEN.split('.')[1] ?? '', '$filter', '$select', 'skiptoken']) {
        expect(shown).not.toContain(secret);
      }
    },
  );
});

describe('a GraphError', () => {
  it('keeps its cause out of JSON and of its enumerable properties', () => {
    const error = new GraphError('unavailable', 'x', { cause: new Error(PLANTED_PASSWORD), requestId: REQUEST_ID });
    expect(Object.keys(error)).not.toContain('cause');
    expect(JSON.stringify(error)).not.toContain(PLANTED_PASSWORD);
    expect(error.cause).toBeInstanceOf(Error);
  });

  it.each([
    ['managedDevices', 'DeviceManagementManagedDevices.ReadWrite.All'],
    ['recoveryKeys', 'BitlockerKey.ReadBasic.All'],
    ['actionResults', 'DeviceManagementManagedDevices.ReadWrite.All'],
    ['encryptionStates', 'DeviceManagementConfiguration.Read.All'],
    ['rotation', 'DeviceManagementManagedDevices.ReadWrite.All'],
    ['scriptRunStates', 'DeviceManagementScripts.Read.All'],
    ['encryptionStateCreation', 'DeviceManagementConfiguration.ReadWrite.All'],
  ] as const)('of kind forbidden names the role that %s needs', (operation, role) => {
    expect(forbidden({ operation, graphRoot: GRAPH_ROOT }).message).toContain(role);
  });
});

describe('the allow-list', () => {
  it('lets through GUIDs as request ids and codes as faults, and nothing else', () => {
    fc.assert(
      fc.property(fc.anything(), fc.string(), (thrown, text) => {
        expect(faultCode(thrown)).toMatch(/^[A-Za-z0-9_]+$/);
        expect(faultCode({ code: text, name: text })).toMatch(/^[A-Za-z0-9_]{3,50}$/);
        expect(safeRequestId(text)).toBeUndefined();
      }),
    );
    expect(safeRequestId(REQUEST_ID.toUpperCase())).toBe(REQUEST_ID);
    expect(faultCode(Object.assign(new Error('x'), { code: 'ECONNRESET' }))).toBe('ECONNRESET');
    expect(faultCode(new RangeError('x'))).toBe('RangeError');
  });
});
