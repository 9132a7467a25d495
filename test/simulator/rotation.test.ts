import { afterEach, describe, expect, it } from 'vitest';
import type { DeviceSpec } from '../../src/simulator/devices/device-profile.ts';
import { runStateIdOf } from '../../src/simulator/endpoints/rotate-endpoint.ts';
import type { SimulatedTenantOptions } from '../../src/simulator/simulated-tenant.ts';
import { createHarness, DEVICES, type Harness, HOUR, type Json, KEYS, START_MS } from './harness.ts';

let current: Harness | undefined;
afterEach(() => {
  current?.tenant.referee.assertClean();
  current = undefined;
});

function tenantOf(devices: readonly DeviceSpec[], more: Partial<SimulatedTenantOptions> = {}): Harness {
  current = createHarness({ devices, ...more });
  return current;
}

const idOf = (harness: Harness, index: number): string => harness.tenant.truth.device(index)?.managedDeviceId ?? '';
const entraOf = (harness: Harness, index: number): string => harness.tenant.truth.device(index)?.entraDeviceId ?? '';

/** The rotation entry that is newest by its start. */
function actionOf(harness: Harness, index: number): Json | undefined {
  const { body } = harness.get(`${DEVICES}/${idOf(harness, index)}?$select=id,deviceActionResults`);
  const entries = body.deviceActionResults as unknown as Json[];
  return entries
    .filter(({ actionName }) => `${actionName}` !== 'syncDevice')
    .sort((a, b) => (`${a.startDateTime}` < `${b.startDateTime}` ? 1 : -1))[0];
}

const keysOf = (harness: Harness, index: number): readonly Json[] =>
  harness.list(`${KEYS}?$filter=deviceId eq '${entraOf(harness, index)}'`);

describe('an accepted rotation', () => {
  it('is pending until the check-in, then active, then done, and the key appears a little later', async () => {
    const harness = tenantOf([{ checkInDelayMs: HOUR, escrowDelayMs: 30_000, osKeys: 2 }]);
    expect(harness.rotate(idOf(harness, 0)).status).toBe(204);
    expect(actionOf(harness, 0)?.actionState).toBe('pending');
    await harness.pass(HOUR + 10_000);
    expect(actionOf(harness, 0)?.actionState).toBe('active');
    expect(keysOf(harness, 0)).toHaveLength(2);
    await harness.pass(90_000);
    expect(actionOf(harness, 0)?.actionState).toBe('done');
    await harness.pass(30_000);
    const keys = keysOf(harness, 0);
    expect(keys).toHaveLength(3);
    const newest = keys.map(({ createdDateTime }) => Date.parse(`${createdDateTime}`)).sort((a, b) => b - a)[0] ?? 0;
    expect(newest).toBeGreaterThan(START_MS + HOUR);
    expect(newest).toBeLessThanOrEqual(harness.clock.nowMs());
    expect(new Set(keys.map(({ id }) => `${id}`)).size).toBe(3);
    expect(harness.tenant.truth.device(0)).toMatchObject({ requested: 1, rotated: 1, actionState: 'done' });
    expect(harness.tenant.truth.rotatedCount()).toBe(1);
  });

  it('starts no earlier than it was accepted and moves the last sync to the check-in', async () => {
    const harness = tenantOf([{ checkInDelayMs: HOUR, lastSyncAgoMs: 5 * HOUR }]);
    const syncOf = (): number => Date.parse(`${harness.get(`${DEVICES}/${idOf(harness, 0)}`).body.lastSyncDateTime}`);
    expect(syncOf()).toBe(START_MS - 5 * HOUR);
    await harness.pass(1_234);
    harness.rotate(idOf(harness, 0));
    await harness.pass(2 * HOUR);
    expect(syncOf()).toBe(START_MS + 1_234 + HOUR);
    expect(Date.parse(`${actionOf(harness, 0)?.startDateTime}`)).toBe(START_MS + 1_234);
  });

  it('rotates fixed volumes too, and removable ones never', async () => {
    const harness = tenantOf([{ kind: 'severalVolumes', checkInDelayMs: 1_000, osKeys: 1 }], {
      volumeTypes: 'symbolic',
    });
    const volumes = (): string[] => keysOf(harness, 0).map(({ volumeType }) => `${volumeType}`);
    expect(volumes()).toEqual(['operatingSystemVolume', 'fixedDataVolume', 'fixedDataVolume', 'removableDataVolume']);
    harness.rotate(idOf(harness, 0));
    await harness.pass(HOUR);
    expect(volumes().slice(4)).toEqual(['operatingSystemVolume', 'fixedDataVolume']);
  });

  it.each<[DeviceSpec, string, number, number]>([
    [{ kind: 'online' }, 'done', 1, 0],
    [{ kind: 'asleep' }, 'done', 1, 0],
    [{ kind: 'coManaged' }, 'done', 1, 0],
    [{ kind: 'noKey' }, 'done', 1, 0],
    [{ kind: 'nearKeyCap' }, 'done', 1, 0],
    [{ kind: 'offline' }, 'pending', 0, 0],
    [{ kind: 'notSeen' }, 'pending', 0, 0],
    [{ kind: 'policyMissing' }, 'done', 0, 0],
    [{ kind: 'policyPending' }, 'active', 0, 0],
    [{ kind: 'escrowFailing' }, 'done', 0, 0],
    [{ kind: 'deviceFailed', errorCode: -2_016_281_112 }, 'failed', 0, -2_016_281_112],
    [{ kind: 'notEncrypted' }, 'failed', 0, -2_144_272_383],
    [{ kind: 'notSupported' }, 'notSupported', 0, 0],
    [{ kind: 'osTooOld' }, 'notSupported', 0, 0],
    [{ kind: 'retirePending' }, 'canceled', 0, 0],
    [{ kind: 'keyCap', behaviour: 'rotates' }, 'failed', 0, -2_147_024_891],
  ])('of %o ends as %s with %d new keys and error code %d', async (spec, state, rotated, errorCode) => {
    const harness = tenantOf([spec]);
    expect(harness.rotate(idOf(harness, 0)).status).toBe(204);
    await harness.pass(21 * HOUR);
    const action = actionOf(harness, 0);
    expect(action?.actionState).toBe(state);
    expect(action?.errorCode).toBe(errorCode);
    expect(harness.tenant.truth.device(0)).toMatchObject({ rotated, actionState: state });
  });

  it('comes within 8 hours on an online device, for more than a third within the first', async () => {
    const harness = createHarness({ devices: Array.from({ length: 200 }, () => ({ kind: 'online' as const })) });
    for (let i = 0; i < 200; i += 1) {
      expect(harness.rotate(idOf(harness, i)).status).toBe(204);
      if (i % 100 === 99) await harness.pass(20_000);
    }
    await harness.pass(HOUR);
    expect(harness.tenant.truth.rotatedCount()).toBeGreaterThan(66);
    expect(harness.tenant.truth.rotatedCount()).toBeLessThan(140);
    await harness.pass(7.2 * HOUR);
    expect(harness.tenant.truth.rotatedCount()).toBe(200);
  });

  it('comes sooner by the speed, while ages stay', async () => {
    const harness = tenantOf([{ checkInDelayMs: HOUR, escrowDelayMs: 0, keyAgeDays: 100 }], { speed: 1_000 });
    harness.rotate(idOf(harness, 0));
    await harness.pass(3_800);
    expect(harness.tenant.truth.device(0)?.rotated).toBe(1);
    const oldest = keysOf(harness, 0)
      .map(({ createdDateTime }) => START_MS - Date.parse(`${createdDateTime}`))
      .filter((ageMs) => ageMs > 0);
    expect(Math.min(...oldest)).toBe(100 * 24 * HOUR);
  });
});

describe('a rotation request', () => {
  it.each([
    ['refused', 400],
    ['enrollmentUnsupported', 400],
    ['agentUnsupported', 400],
    ['otherPlatform', 400],
    ['gone', 404],
  ] as const)('for a %s device is answered %d and accepts nothing', (kind, status) => {
    const harness = tenantOf([{ kind }]);
    expect(harness.rotate(idOf(harness, 0)).status).toBe(status);
    expect(harness.tenant.referee.rotationsAccepted).toBe(0);
    expect(harness.tenant.truth.asked()).toEqual([]);
  });

  it('for an unknown or deleted device is answered 404', () => {
    const harness = tenantOf([{}]);
    expect(harness.rotate('11111111-2222-4333-8444-555555555555').status).toBe(404);
    harness.tenant.removeDevice(idOf(harness, 0));
    expect(harness.rotate(idOf(harness, 0)).status).toBe(404);
    expect(harness.get(`${DEVICES}/${idOf(harness, 0)}`).status).toBe(404);
    expect(harness.list(DEVICES)).toEqual([]);
  });

  it('is taken in all seven forms', async () => {
    const harness = tenantOf([{ kind: 'coManaged', checkInDelayMs: 1_000 }]);
    const id = idOf(harness, 0);
    const script = '99999999-2222-4333-8444-555555555555';
    const state = runStateIdOf(script, id);
    for (const form of [
      `managedDevices/${id}`,
      `comanagedDevices/${id}`,
      `deviceHealthScripts/${script}/deviceRunStates/${state}/managedDevice`,
      `deviceManagementScripts/${script}/deviceRunStates/${encodeURIComponent(state)}/managedDevice`,
      `deviceComplianceScripts/${script}/deviceRunStates/${id}/managedDevice`,
      `deviceManagementScripts/${script}/deviceRunStates/${state}/managedDevice/users/u1/managedDevices/${id}`,
      `deviceManagementScripts/${script}/deviceRunStates/${state}/managedDevice/detectedApps/a1/managedDevices/${id}`,
    ]) {
      expect(harness.send('POST', `/beta/deviceManagement/${form}/rotateBitLockerKeys`).status, form).toBe(204);
      await harness.pass(HOUR);
    }
    expect(harness.tenant.truth.device(0)).toMatchObject({ requested: 7, rotated: 7 });
  });

  it.each([
    ['queued', 2],
    ['merged', 1],
  ] as const)('made twice is a double rotation; %s, it brings %d keys', async (secondRequest, keys) => {
    const harness = createHarness({ devices: [{ checkInDelayMs: HOUR }], secondRequest });
    harness.rotate(idOf(harness, 0));
    await harness.pass(60_000);
    expect(harness.rotate(idOf(harness, 0)).status).toBe(204);
    expect(harness.tenant.referee.violationCounts).toEqual({ doubleRotation: 1 });
    expect(() => harness.tenant.referee.assertClean()).toThrow('doubleRotation');
    await harness.pass(3 * HOUR);
    expect(harness.tenant.truth.device(0)?.rotated).toBe(keys);
  });

  it('through the other record of the same device is a double rotation as well', () => {
    const entraDeviceId = '11111111-2222-4333-8444-555555555555';
    const harness = createHarness({ devices: [{ entraDeviceId }, { entraDeviceId }] });
    harness.rotate(idOf(harness, 0));
    harness.rotate(idOf(harness, 1));
    expect(harness.tenant.referee.violationCounts).toEqual({ doubleRotation: 1 });
  });

  it('after the earlier one has ended is none', async () => {
    const harness = tenantOf([{ checkInDelayMs: 1_000 }]);
    harness.rotate(idOf(harness, 0));
    await harness.pass(2 * 60_000);
    harness.rotate(idOf(harness, 0));
    expect(harness.tenant.referee.rotationsAccepted).toBe(2);
  });

  it('never obeyed stands in the way for 60 days', async () => {
    const harness = createHarness({ devices: [{ kind: 'offline' }] });
    harness.rotate(idOf(harness, 0));
    await harness.pass(61 * 24 * HOUR);
    harness.rotate(idOf(harness, 0));
    expect(harness.tenant.referee.violations).toEqual([]);
    await harness.pass(59 * 24 * HOUR);
    harness.rotate(idOf(harness, 0));
    expect(harness.tenant.referee.violationCounts).toEqual({ doubleRotation: 1 });
  });

  it('of someone else changes the device and is not held against us', async () => {
    const harness = tenantOf([{ checkInDelayMs: 1_000 }, { kind: 'refused' }]);
    expect(harness.tenant.rotateAsSomeoneElse(idOf(harness, 0))).toBe(true);
    expect(harness.tenant.rotateAsSomeoneElse(idOf(harness, 1))).toBe(false);
    harness.rotate(idOf(harness, 0));
    await harness.pass(HOUR);
    expect(harness.tenant.truth.device(0)).toMatchObject({ requested: 1, rotated: 2 });
    expect(harness.tenant.referee.rotationsAccepted).toBe(1);
  });
});
