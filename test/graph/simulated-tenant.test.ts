import { describe, expect, it } from 'vitest';
import { type EntraDeviceId, type ManagedDeviceId, parseManagedDeviceId } from '../../src/domain/ids.ts';
import type { RequestOutcome } from '../../src/domain/tenant.ts';
import type { createSimulatedTenant, SimulatedTenantOptions } from '../../src/simulator/simulated-tenant.ts';
import { collect, START_MS } from './fakes.ts';
import { createSimulatedBench, DEVICES, expectNothingLeaked, itemsOf } from './simulated-bench.ts';

describe.each<[string, Partial<SimulatedTenantOptions>]>([
  ['well', {}],
  [
    'badly',
    {
      clockSkewMs: 90_000,
      faults: {
        unavailable: 0.04,
        unavailableWithRetryAfter: 0.02,
        gatewayTimeout: 0.02,
        resetBefore: 0.02,
        slow: 0.02,
        forbiddenFlicker: 0.02,
        expiredToken: 0.02,
        malformed: 0.02,
        throttle: 0.02,
      },
    },
  ],
])('the adapter on a tenant that behaves %s', (_name, options) => {
  it('reads the whole fleet, its keys, results and states, by the rules and without leaking', async () => {
    const { clock, simulated, logger, tenant, callOptions } = createSimulatedBench(options);
    const read = await clock.run(async () => {
      const devices = itemsOf(await collect(tenant.managedDevicePages(undefined, callOptions())));
      const keys = itemsOf(await collect(tenant.recoveryKeyPages(undefined, callOptions())));
      const sample = devices.slice(0, 50);
      const ids = sample.map((device) => device.managedDeviceId);
      const entraIds = [
        ...new Set(sample.flatMap(({ entraDeviceId }) => (entraDeviceId === undefined ? [] : [entraDeviceId]))),
      ];
      return {
        devices,
        keys,
        ids,
        entraIds,
        byId: await tenant.managedDevices(ids, callOptions()),
        ofEntra: await tenant.managedDevicesOf(entraIds, callOptions()),
        keysOf: await tenant.recoveryKeys(entraIds, callOptions()),
        results: await tenant.actionResults(ids, callOptions()),
        states: await tenant.encryptionStates(ids, callOptions()),
      };
    });

    const truth = [...simulated.truth.devices()];
    const windows = new Set(read.devices.map((device) => device.managedDeviceId));
    expect(windows.size).toBeGreaterThan(DEVICES * 0.8);
    expect(truth.map((device) => device.managedDeviceId)).toEqual(expect.arrayContaining([...windows]));
    for (const device of truth) {
      if (device.newestKey === undefined) continue;
      expect(read.keys).toContainEqual(
        expect.objectContaining({ keyId: device.newestKey.keyId, entraDeviceId: device.entraDeviceId }),
      );
    }
    for (const id of read.ids) {
      if (simulated.truth.device(id)?.kind === 'gone') {
        expect([read.byId.get(id), read.results.get(id)]).toEqual([{ kind: 'gone' }, { kind: 'gone' }]);
      } else {
        expect(read.byId.get(id)).toMatchObject({ kind: 'found', value: { managedDeviceId: id } });
        expect(read.results.get(id)).toMatchObject({ kind: 'found' });
      }
      expect(['found', 'gone']).toContain(read.states.get(id)?.kind);
    }
    for (const id of read.entraIds) {
      const found = read.ofEntra.get(id);
      expect(found?.kind === 'found' && found.value.every((device) => device.entraDeviceId === id)).toBe(true);
      const keys = read.keysOf.get(id);
      expect(keys?.kind === 'found' && keys.value.length).toBe(
        read.keys.filter((key) => key.entraDeviceId === id).length,
      );
    }
    simulated.referee.assertClean();
    expectNothingLeaked([read, logger.lines]);
  });
});

describe('a rotation on the simulated tenant', () => {
  const asked = async (script?: Parameters<ReturnType<typeof createSimulatedTenant>['script']>[0]) => {
    const one = createSimulatedBench({ fleet: 'healthy', clockSkewMs: -45_000 });
    if (script !== undefined) one.simulated.script(script);
    const device = one.simulated.truth.device(0);
    if (device === undefined) throw new RangeError('the fleet has a first device');
    const managedDeviceId = parseManagedDeviceId(device.managedDeviceId);
    const outcome = await one.clock.run(() =>
      one.tenant.requestRotation({ via: 'managedDevice', managedDeviceId }, one.callOptions()),
    );
    expect(one.simulated.unusedFaults()).toEqual([]);
    one.simulated.referee.assertClean();
    return { ...one, managedDeviceId, entraDeviceId: device.entraDeviceId as EntraDeviceId, outcome };
  };

  it("is accepted within the tenant's own clock, and its key and result are seen later", async () => {
    const { clock, simulated, tenant, callOptions, managedDeviceId, entraDeviceId, outcome } = await asked();
    expect(outcome).toMatchObject({ kind: 'accepted', httpStatus: 204 });
    if (outcome.kind !== 'accepted') throw new TypeError('accepted');
    expect(outcome.acceptedAfterMs).toBeLessThanOrEqual(START_MS - 45_000 + 200);
    expect(outcome.acceptedByMs).toBeLessThanOrEqual(simulated.nowMs() + 1000);

    const [results, keys] = await clock.run(async () => {
      await clock.sleep(3_600_000);
      return [
        await tenant.actionResults([managedDeviceId], callOptions()),
        await tenant.recoveryKeys([entraDeviceId], callOptions()),
      ];
    });
    const result = results.get(managedDeviceId);
    expect(result).toMatchObject({ kind: 'found', value: [{ state: 'done' }] });
    if (result?.kind !== 'found' || result.value[0] === undefined) throw new TypeError('found');
    expect(result.value[0].startedAtMs).toBeGreaterThanOrEqual(outcome.acceptedAfterMs);
    const found = keys.get(entraDeviceId);
    const newer = found?.kind === 'found' ? found.value.filter((key) => key.createdAtMs > outcome.acceptedByMs) : [];
    expect(newer).toMatchObject([
      { volumeType: 'operatingSystemVolume', keyId: simulated.truth.device(0)?.newestKey?.keyId },
    ]);
    simulated.referee.assertClean();
  });

  const path = /rotateBitLockerKeys$/;
  it.each<[string, Parameters<typeof asked>[0], RequestOutcome['kind'], number]>([
    ['a 504 after its effect', { fault: { kind: 'statusAfterEffect', status: 504 }, path }, 'uncertain', 1],
    ['a reset after its effect', { fault: { kind: 'resetAfter' }, path }, 'uncertain', 1],
    ['a reset before its effect', { fault: { kind: 'resetBefore' }, path }, 'uncertain', 0],
    ['an answer after two minutes', { fault: { kind: 'slow', latencyMs: 120_000 }, path }, 'uncertain', 1],
    ['a 503', { fault: { kind: 'status', status: 503 }, path }, 'uncertain', 0],
    ['a 429', { fault: { kind: 'throttle', retryAfter: 'mixed' }, path, times: 3 }, 'accepted', 1],
    ['a 403 that flickers', { fault: { kind: 'forbiddenFlicker' }, path, times: 2 }, 'accepted', 1],
    ['a token that expired', { fault: { kind: 'expiredToken' }, path }, 'accepted', 1],
    ['a 400', { fault: { kind: 'status', status: 400 }, path }, 'refused', 0],
  ])('after %s is accepted at most once', async (_name, script, kind, accepted) => {
    const { simulated, logger, outcome } = await asked(script);
    expect(outcome.kind).toBe(kind);
    expect(simulated.referee.rotationsAccepted).toBe(accepted);
    expectNothingLeaked([outcome, logger.lines]);
  });

  it('without the role says which one is missing', async () => {
    const { clock, simulated, tenant, callOptions } = createSimulatedBench({
      fleet: 'healthy',
      roles: ['BitlockerKey.ReadBasic.All'],
    });
    const managedDeviceId = simulated.truth.device(0)?.managedDeviceId as ManagedDeviceId;
    const outcome = clock.run(() => tenant.requestRotation({ via: 'managedDevice', managedDeviceId }, callOptions()));
    await expect(outcome).rejects.toMatchObject({
      kind: 'forbidden',
      message: expect.stringContaining('DeviceManagementManagedDevices.ReadWrite.All'),
    });
    expect(await tenant.grantedRoles(new AbortController().signal)).toEqual(['BitlockerKey.ReadBasic.All']);
  });
});
