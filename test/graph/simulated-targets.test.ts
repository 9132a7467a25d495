/** The URL forms, run states and created states, end to end on the simulated tenant. */
import { describe, expect, it } from 'vitest';
import {
  ADVANCED_BITLOCKER_STATES,
  DEVICE_TYPES,
  ENCRYPTION_READINESS_STATES,
  ENCRYPTION_STATES,
  type EncryptionState,
  FILE_VAULT_STATES,
  POLICY_SETTING_STATES,
} from '../../src/domain/encryption-state.ts';
import { type ManagedDeviceId, parseManagedDeviceId } from '../../src/domain/ids.ts';
import { type RotationRoute, SCRIPT_KINDS, type ScriptKind } from '../../src/domain/targets.ts';
import type { SimulatedTenantOptions } from '../../src/simulator/simulated-tenant.ts';
import { collect, rejection } from './fakes.ts';
import { createSimulatedBench, expectNothingLeaked, itemsOf } from './simulated-bench.ts';

const SCRIPTS = SCRIPT_KINDS.map((kind, i) => ({ kind, id: `5c000000-0000-4000-8000-00000000000${i}`, failing: 0.2 }));
const scriptOf = (kind: ScriptKind) => SCRIPTS.find((script) => script.kind === kind)?.id ?? '';

function bench(options: Partial<SimulatedTenantOptions> = {}) {
  const one = createSimulatedBench({ scripts: SCRIPTS, ...options });
  const { simulated, tenant, clock, callOptions } = one;
  return {
    ...one,
    devices: [...simulated.truth.devices()],
    /** A device that answers, by its kind. */
    pick(kind: 'online' | 'coManaged') {
      const device = [...simulated.truth.devices()].find((each) => each.kind === kind);
      if (device === undefined) throw new RangeError(`the fleet has a ${kind} device`);
      return { ...device, managedDeviceId: parseManagedDeviceId(device.managedDeviceId) };
    },
    rotate: (route: RotationRoute) => clock.run(() => tenant.requestRotation(route, callOptions())),
  };
}

type Form = (ids: {
  readonly managedDeviceId: ManagedDeviceId;
  readonly userId: string;
  readonly runState: (kind: ScriptKind) => { readonly scriptId: string; readonly deviceRunStateId: string };
}) => RotationRoute;

const FORMS: readonly (readonly [string, Form])[] = [
  ['managedDevices', ({ managedDeviceId }) => ({ via: 'managedDevice', managedDeviceId })],
  ['comanagedDevices', ({ managedDeviceId }) => ({ via: 'comanagedDevice', managedDeviceId })],
  ...SCRIPT_KINDS.map(
    (kind) =>
      [`the run state of a ${kind}`, ({ runState }) => ({ via: kind, ...runState(kind) })] as const satisfies readonly [
        string,
        Form,
      ],
  ),
  [
    'the user of a run state',
    ({ managedDeviceId, userId, runState }) => ({
      ...{ via: 'scriptUser', ...runState('deviceManagementScript'), userId, managedDeviceId },
    }),
  ],
  [
    'a detected app of a run state',
    ({ managedDeviceId, runState }) => ({
      ...{ via: 'scriptDetectedApp', ...runState('deviceManagementScript'), detectedAppId: 'app-1', managedDeviceId },
    }),
  ],
];

describe.each(FORMS)('a rotation by way of %s', (_name, form) => {
  const routeTo = (one: ReturnType<typeof bench>, managedDeviceId: ManagedDeviceId, index: number) =>
    form({
      managedDeviceId,
      userId: one.simulated.truth.namesOf(index).userId,
      runState: (kind) => ({ scriptId: scriptOf(kind), deviceRunStateId: `${scriptOf(kind)}:${managedDeviceId}` }),
    });

  it('is accepted with 204, and the device escrows a new key', async () => {
    const one = bench();
    const { managedDeviceId, index } = one.pick('coManaged');
    expect(await one.rotate(routeTo(one, managedDeviceId, index))).toMatchObject({ kind: 'accepted', httpStatus: 204 });
    expect(one.simulated.truth.device(index)).toMatchObject({ requested: 1, rotated: 0 });
    await one.clock.run(() => one.clock.sleep(30 * 86_400_000));
    expect(one.simulated.truth.device(index)).toMatchObject({ requested: 1, rotated: 1 });
    one.simulated.referee.assertClean();
  });

  it('is refused with 404 for a device that Intune does not know', async () => {
    const one = bench();
    const { index } = one.pick('coManaged');
    const unknown = parseManagedDeviceId('00000000-dead-4000-8000-000000000000');
    expect(await one.rotate(routeTo(one, unknown, index))).toMatchObject({ kind: 'refused', httpStatus: 404 });
    expect(one.simulated.referee.rotationsAccepted).toBe(0);
    one.simulated.referee.assertClean();
  });

  it.each([400, 404, 405, 409, 423, 500, 501, 503])('answered with %i changes nothing', async (status) => {
    const one = bench();
    const { managedDeviceId, index } = one.pick('coManaged');
    one.simulated.script({ fault: { kind: 'status', status }, path: /rotateBitLockerKeys$/ });
    const outcome = await one.rotate(routeTo(one, managedDeviceId, index));
    expect(outcome).toMatchObject({ kind: status < 500 ? 'refused' : 'uncertain', httpStatus: status });
    expect(one.simulated.unusedFaults()).toEqual([]);
    expect(one.simulated.referee.rotationsAccepted).toBe(0);
    expectNothingLeaked([outcome, one.logger.lines]);
  });
});

const BAD_DAY = {
  faults: {
    unavailable: 0.04,
    resetBefore: 0.02,
    slow: 0.02,
    forbiddenFlicker: 0.02,
    expiredToken: 0.02,
    throttle: 0.02,
  },
} as const;

describe.each<[string, Partial<SimulatedTenantOptions>]>([
  ['well', {}],
  ['badly', BAD_DAY],
  ['well, and takes only the new roles for scripts', { scriptRoles: 'scriptsOnly' }],
])('reading targets of a tenant that behaves %s', (_name, options) => {
  it.each(SCRIPT_KINDS)('finds exactly the devices on which a %s found a problem', async (kind) => {
    const { clock, simulated, tenant, callOptions, logger } = bench({
      ...options,
      roles: ['DeviceManagementScripts.Read.All', 'DeviceManagementManagedDevices.ReadWrite.All'],
    });
    const scriptId = scriptOf(kind);
    const states = await clock.run(async () =>
      itemsOf(await collect(tenant.runStatePages(kind, scriptId, undefined, callOptions()))),
    );
    const failing = simulated.truth.failingOf(scriptId);
    expect(failing.length).toBeGreaterThan(20);
    expect(new Set(states.filter(({ isFailing }) => isFailing).map(({ runStateId }) => runStateId))).toEqual(
      new Set(failing.map(({ managedDeviceId }) => `${scriptId}:${managedDeviceId}`)),
    );
    for (const { runStateId, device } of states) {
      const id = runStateId.slice(scriptId.length + 1);
      expect(device?.managedDeviceId).toBe(simulated.truth.device(id)?.kind === 'gone' ? undefined : id);
    }

    const sample = states.slice(0, 50).map(({ runStateId }) => runStateId);
    const byId = await clock.run(() => tenant.runStates(kind, scriptId, [...sample, `${scriptId}:x`], callOptions()));
    expect(byId.get(`${scriptId}:x`)).toEqual({ kind: 'gone' });
    for (const state of states.slice(0, 50)) {
      expect(byId.get(state.runStateId)).toEqual({ kind: 'found', trace: expect.anything(), value: state });
    }
    simulated.referee.assertClean();
    expectNothingLeaked([states, [...byId], logger.lines]);
  });

  it('finds devices by name, serial number and user, whatever their letter case', async () => {
    const { clock, simulated, tenant, callOptions, pick } = bench(options);
    const { index, managedDeviceId } = pick('online');
    const names = simulated.truth.namesOf(index);
    for (const by of ['deviceName', 'serialNumber', 'userPrincipalName'] as const) {
      const values = [names[by], names[by].toUpperCase(), 'no such thing'];
      const readings = await clock.run(() => tenant.devicesNamed(by, values, callOptions()));
      for (const value of values.slice(0, 2)) {
        expect(readings.get(value)).toMatchObject({
          kind: 'found',
          value: expect.arrayContaining([expect.objectContaining({ managedDeviceId })]),
        });
      }
      expect(readings.get('no such thing')).toEqual({ kind: 'found', trace: expect.anything(), value: [] });
    }
    simulated.referee.assertClean();
  });

  it('finds a co-managed device in the co-managed view, and no other', async () => {
    const { clock, simulated, tenant, callOptions, pick } = bench(options);
    const [coManaged, online] = [pick('coManaged').managedDeviceId, pick('online').managedDeviceId];
    const readings = await clock.run(() => tenant.comanagedDevices([coManaged, online], callOptions()));
    expect(readings.get(coManaged)).toMatchObject({
      kind: 'found',
      value: { managedDeviceId: coManaged, enrollmentType: 'windowsCoManagement' },
    });
    expect(readings.get(online)).toEqual({ kind: 'gone' });
    simulated.referee.assertClean();
  });
});

describe('run states', () => {
  it('of an unknown script are not found', async () => {
    const { clock, tenant, callOptions } = bench();
    const pages = clock.run(() =>
      collect(tenant.runStatePages('deviceHealthScript', scriptOf('deviceManagementScript'), undefined, callOptions())),
    );
    expect(await rejection(pages)).toMatchObject({ kind: 'notFound', status: 404 });
  });

  it('without the role say which to grant', async () => {
    const { clock, tenant, callOptions } = bench({ roles: ['DeviceManagementManagedDevices.ReadWrite.All'] });
    const pages = clock.run(() =>
      collect(tenant.runStatePages('deviceHealthScript', scriptOf('deviceHealthScript'), undefined, callOptions())),
    );
    expect(await rejection(pages)).toMatchObject({
      kind: 'forbidden',
      message: expect.stringContaining('DeviceManagementScripts.Read.All'),
    });
  });
});

const STATE: EncryptionState = {
  id: 'not sent',
  deviceName: 'PC-1',
  userPrincipalName: 'ann@contoso.com',
  deviceType: 'desktop',
  osVersion: '10.0.22631.4037',
  tpmSpecificationVersion: '2.0, 0, 1.38',
  encryptionReadinessState: 'ready',
  encryptionState: 'encrypted',
  encryptionPolicySettingState: 'compliant',
  advancedBitLockerStates: [...ADVANCED_BITLOCKER_STATES],
  fileVaultStates: [...FILE_VAULT_STATES],
  policyDetails: [
    { policyId: 'p1', policyName: 'BitLocker for all' },
    { policyId: 'p2', policyName: '' },
  ],
};

describe('an encryption state created on the simulated tenant', () => {
  const variants: readonly (readonly [string, EncryptionState])[] = [
    ['all flags at once', STATE],
    ['no flags', { ...STATE, advancedBitLockerStates: [], fileVaultStates: [], policyDetails: [] }],
    ...DEVICE_TYPES.map((deviceType) => [deviceType, { ...STATE, deviceType }] as const),
    ...ENCRYPTION_READINESS_STATES.map((is) => [is, { ...STATE, encryptionReadinessState: is }] as const),
    ...ENCRYPTION_STATES.map((is) => [is, { ...STATE, encryptionState: is }] as const),
    ...POLICY_SETTING_STATES.map((is) => [is, { ...STATE, encryptionPolicySettingState: is }] as const),
    ...ADVANCED_BITLOCKER_STATES.map((flag) => [flag, { ...STATE, advancedBitLockerStates: [flag] }] as const),
    ...FILE_VAULT_STATES.map((flag) => [`FileVault ${flag}`, { ...STATE, fileVaultStates: [flag] }] as const),
  ];

  it.each(variants)('comes back as it was sent, but for its id: %s', async (_name, state) => {
    const { clock, simulated, tenant, callOptions } = bench();
    const created = await clock.run(() => tenant.createEncryptionState(state, callOptions()));
    if (created.kind !== 'created' || created.id === undefined) throw new TypeError('created, with its id');
    const id = parseManagedDeviceId(created.id);
    const readings = await clock.run(() => tenant.encryptionStates([id], callOptions()));
    expect(readings.get(id)).toEqual({ kind: 'found', trace: expect.anything(), value: { ...state, id } });
    simulated.referee.assertClean();
  });

  it('from what the tenant itself reports is one more of the same', async () => {
    const { clock, simulated, tenant, callOptions, devices } = bench();
    const ids = devices.slice(0, 60).map(({ managedDeviceId }) => parseManagedDeviceId(managedDeviceId));
    const readings = await clock.run(() => tenant.encryptionStates(ids, callOptions()));
    const states = [...readings.values()].flatMap((reading) => (reading.kind === 'found' ? [reading.value] : []));
    expect(states.length).toBeGreaterThan(30);
    for (const state of states) {
      const created = await clock.run(() => tenant.createEncryptionState(state, callOptions()));
      expect(created).toMatchObject({ kind: 'created' });
    }
    expect(simulated.truth.createdStates.length).toBe(states.length);
    simulated.referee.assertClean();
  });

  it.each([400, 405, 501] as const)('is refused when the tenant answers %i', async (status) => {
    const { clock, simulated, tenant, callOptions, logger } = bench({ stateCreation: status });
    const outcome = await clock.run(() => tenant.createEncryptionState(STATE, callOptions()));
    expect(outcome).toMatchObject({ kind: 'refused', httpStatus: status });
    expect(simulated.truth.createdStates).toEqual([]);
    expectNothingLeaked([outcome, logger.lines]);
  });

  it('without the role is refused, and names it', async () => {
    const { clock, tenant, callOptions } = bench({ roles: ['DeviceManagementConfiguration.Read.All'] });
    expect(await clock.run(() => tenant.createEncryptionState(STATE, callOptions()))).toMatchObject({
      kind: 'refused',
      httpStatus: 403,
      missingRole: 'DeviceManagementConfiguration.ReadWrite.All',
    });
  });

  const path = /managedDeviceEncryptionStates$/;
  it.each<[string, Parameters<ReturnType<typeof bench>['simulated']['script']>[0], string, number]>([
    ['a 504 after its effect', { fault: { kind: 'statusAfterEffect', status: 504 }, path }, 'unknown', 1],
    ['a reset after its effect', { fault: { kind: 'resetAfter' }, path }, 'unknown', 1],
    ['a reset before its effect', { fault: { kind: 'resetBefore' }, path }, 'unknown', 0],
    ['an answer after two minutes', { fault: { kind: 'slow', latencyMs: 120_000 }, path }, 'unknown', 1],
    ['an answer that is cut off', { fault: { kind: 'malformed', variant: 'truncated' }, path }, 'created', 1],
    ['a 503', { fault: { kind: 'status', status: 503 }, path }, 'unknown', 0],
    ['a 429', { fault: { kind: 'throttle', retryAfter: 'mixed' }, path, times: 3 }, 'created', 1],
    ['a 403 that flickers', { fault: { kind: 'forbiddenFlicker' }, path, times: 2 }, 'created', 1],
    ['a token that expired', { fault: { kind: 'expiredToken' }, path }, 'created', 1],
  ])('after %s exists at most once', async (_name, fault, kind, count) => {
    const { clock, simulated, tenant, callOptions, logger } = bench();
    simulated.script(fault);
    const outcome = await clock.run(() => tenant.createEncryptionState(STATE, callOptions()));
    expect(outcome.kind).toBe(kind);
    expect(simulated.truth.createdStates).toHaveLength(count);
    expect(simulated.unusedFaults()).toEqual([]);
    simulated.referee.assertClean();
    expectNothingLeaked([outcome, logger.lines]);
  });
});
