import { afterEach, describe, expect, it } from 'vitest';
import { SCRIPT_KINDS, type ScriptKind } from '../../src/domain/targets.ts';
import { CANARY_PLANTED_IN_DATA } from '../../src/simulator/canary-secrets.ts';
import { runStateIdOf } from '../../src/simulator/endpoints/rotate-endpoint.ts';
import type { ViolationKind } from '../../src/simulator/referee.ts';
import { createHarness, type Harness, HOUR, type Json, ROOT } from './harness.ts';

const SCRIPT = '5c5c5c5c-0000-4000-8000-000000000001';
const OTHER = '5c5c5c5c-0000-4000-8000-000000000002';
const DM = '/beta/deviceManagement';

let current: Harness;
let expected: Partial<Record<ViolationKind, number>> = {};
const tenantOf = (
  options: Partial<Parameters<typeof createHarness>[0]> = {},
  kind: ScriptKind = 'deviceHealthScript',
): Harness => {
  current = createHarness({ devices: 40, scripts: [{ kind, id: SCRIPT, failing: 0.25 }], ...options });
  return current;
};
afterEach(() => {
  expect(current.tenant.referee.violationCounts).toEqual(expected);
  expected = {};
});

const listUrl = (kind: ScriptKind = 'deviceHealthScript', id = SCRIPT): string =>
  `${DM}/${kind}s/${id}/deviceRunStates`;
const idOf = (harness: Harness, index: number): string => harness.tenant.truth.device(index)?.managedDeviceId ?? '';
const stateOf = ({ detectionState, runState }: Json): string => `${detectionState ?? runState}`;

/** Source: Graph beta reference, the three `…ScriptDeviceState` resource types (read 2026-11-22). */
const PROPERTIES: Readonly<Record<ScriptKind, readonly string[]>> = {
  deviceHealthScript: [
    ...['id', 'detectionState', 'lastStateUpdateDateTime', 'expectedStateUpdateDateTime', 'lastSyncDateTime'],
    ...['preRemediationDetectionScriptOutput', 'preRemediationDetectionScriptError', 'remediationScriptError'],
    ...['postRemediationDetectionScriptOutput', 'postRemediationDetectionScriptError', 'remediationState'],
    'assignmentFilterIds',
  ],
  deviceManagementScript: [
    ...['id', 'runState', 'resultMessage', 'lastStateUpdateDateTime', 'errorCode', 'errorDescription'],
  ],
  deviceComplianceScript: [
    ...['id', 'detectionState', 'lastStateUpdateDateTime', 'expectedStateUpdateDateTime', 'lastSyncDateTime'],
    ...['scriptOutput', 'scriptError'],
  ],
};
const RUN_STATES = ['unknown', 'success', 'fail', 'scriptError', 'pending', 'notApplicable'];
const REMEDIATION_STATES = ['unknown', 'skipped', 'success', 'remediationFailed', 'scriptError', 'unknownFutureValue'];

describe.each(SCRIPT_KINDS)('run states of a %s', (kind) => {
  it('have the properties and enum members of their type, every member met', () => {
    const all = tenantOf({ devices: 400 }, kind).list(listUrl(kind));
    for (const state of all) {
      expect(new Set(Object.keys(state))).toEqual(new Set(PROPERTIES[kind]));
      expect(Date.parse(`${state.lastStateUpdateDateTime}`)).toBeLessThan(current.clock.nowMs());
      if (kind === 'deviceHealthScript') expect(REMEDIATION_STATES).toContain(state.remediationState);
      if (kind === 'deviceManagementScript') expect(Number.isInteger(state.errorCode)).toBe(true);
    }
    expect(new Set(all.map(stateOf))).toEqual(new Set(RUN_STATES));
  });

  it('come in pages, one for each Windows device, with its id in theirs', () => {
    const harness = tenantOf({ devices: 250, pageSize: 100 }, kind);
    const ids = harness.list(listUrl(kind)).map(({ id }) => `${id}`);
    expect(harness.get(listUrl(kind)).body.value).toHaveLength(100);
    const windows = harness.list(
      "/v1.0/deviceManagement/managedDevices?$filter=operatingSystem eq 'Windows'&$select=id",
    );
    expect(ids).toEqual(windows.map(({ id }) => runStateIdOf(SCRIPT, `${id}`)));
  });

  it('are read one by one, as they are listed', () => {
    const harness = tenantOf({}, kind);
    for (const listed of harness.list(`${listUrl(kind)}?$expand=managedDevice`)) {
      const id = encodeURIComponent(`${listed.id}`);
      const { '@odata.context': _, ...one } = harness.get(`${listUrl(kind)}/${id}?$expand=managedDevice`).body;
      expect(one).toEqual(listed);
    }
  });

  it('need a role for scripts or, as yet, for configuration', () => {
    const ask = (harness: Harness, role: string): number => {
      harness.tenant.setRoles([role]);
      const headers = { authorization: `Bearer ${harness.tenant.issueToken(ROOT).token}` };
      return harness.send('GET', listUrl(kind), { headers }).status;
    };
    const roles = ['DeviceManagementScripts', 'DeviceManagementConfiguration', 'DeviceManagementManagedDevices'];
    const all = roles.flatMap((role) => [`${role}.Read.All`, `${role}.ReadWrite.All`]);
    const today = tenantOf({}, kind);
    expect(all.map((role) => ask(today, role))).toEqual([200, 200, 200, 200, 403, 403]);
    const later = tenantOf({ scriptRoles: 'scriptsOnly' }, kind);
    expect(all.map((role) => ask(later, role))).toEqual([200, 200, 403, 403, 403, 403]);
  });
});

describe('the expanded managed device', () => {
  it('is the device of the state, whole or as selected', () => {
    const harness = tenantOf();
    const whole = harness.list(`${listUrl()}?$expand=managedDevice`);
    const some = harness.list(`${listUrl()}?$select=id,detectionState&$expand=managedDevice($select=id,deviceName)`);
    const known = whole.filter(({ managedDevice }) => managedDevice !== null);
    expect(known.length).toBeGreaterThan(30);
    for (const { id, managedDevice } of known) expect(id).toBe(runStateIdOf(SCRIPT, `${managedDevice?.id}`));
    expect(known[0]?.managedDevice).toHaveProperty('joinType');
    expect(Object.keys(some[0] ?? {})).toEqual(['id', 'detectionState', 'managedDevice']);
    expect(some[0]?.managedDevice).toEqual({ id: idOf(harness, 0), deviceName: whole[0]?.managedDevice?.deviceName });
  });

  it('is null once Intune lost it, and the run state stays', () => {
    const harness = tenantOf({ devices: [{}, { kind: 'gone' }, {}] });
    harness.tenant.removeDevice(idOf(harness, 2));
    const url = `${listUrl()}?$expand=managedDevice($select=id)`;
    expect(harness.list(url).map(({ managedDevice }) => managedDevice)).toEqual([{ id: idOf(harness, 0) }, null, null]);
    const one = `${listUrl()}/${runStateIdOf(SCRIPT, idOf(harness, 2))}?$expand=managedDevice`;
    expect(harness.get(one).body.managedDevice).toBeNull();
    expect(harness.get(one.replace('?$expand=managedDevice', '')).body).not.toHaveProperty('managedDevice');
  });
});

describe('a script', () => {
  it('fails on the share of devices it was given, the same for the same seed, and the truth knows them', () => {
    const failing = (harness: Harness): string[] =>
      harness
        .list(listUrl())
        .filter((state) => stateOf(state) === 'fail')
        .map(({ id }) => `${id}`);
    const harness = tenantOf({ devices: 400 });
    const first = failing(harness);
    expect(first.length).toBeGreaterThan(70);
    expect(first.length).toBeLessThan(130);
    expect(harness.tenant.truth.failingOf(SCRIPT).map((one) => runStateIdOf(SCRIPT, one.managedDeviceId))).toEqual(
      first,
    );
    expect(failing(tenantOf({ devices: 400 }))).toEqual(first);
    expect(failing(tenantOf({ devices: 400, seed: 2 }))).not.toEqual(first);
  });

  it('fails on the devices it was given', () => {
    const first = tenantOf({ devices: 10, fleet: 'healthy', scripts: [] });
    const failing = [idOf(first, 3), idOf(first, 7).toUpperCase()];
    const kind = 'deviceManagementScript';
    const harness = tenantOf({ devices: 10, fleet: 'healthy', scripts: [{ kind, id: SCRIPT, failing }] });
    expect(harness.tenant.truth.failingOf(SCRIPT).map(({ index }) => index)).toEqual([3, 7]);
    expect(harness.list(listUrl(kind)).filter((state) => stateOf(state) === 'fail')).toHaveLength(2);
  });

  it('fails nowhere with a share of 0, and everywhere with 1', () => {
    const kind = 'deviceComplianceScript';
    const scripts = [
      { kind, id: SCRIPT, failing: 0 },
      { kind, id: OTHER, failing: 1 },
    ] as const;
    const harness = tenantOf({ devices: 30, fleet: 'healthy', scripts });
    const { truth } = harness.tenant;
    expect([SCRIPT, OTHER].map((id) => truth.failingOf(id).length)).toEqual([0, 30]);
  });

  it.each([
    ['of another kind', listUrl('deviceComplianceScript')],
    ['nobody knows', listUrl('deviceHealthScript', OTHER)],
    ['nobody knows, one state', `${listUrl('deviceHealthScript', OTHER)}/x`],
  ])('%s is answered 404', (_, url) => {
    expect(tenantOf().get(url).status).toBe(404);
  });

  it('is answered 404 in a tenant made without any', () => {
    current = createHarness({ devices: 3 });
    for (const kind of SCRIPT_KINDS) expect(current.get(listUrl(kind)).status).toBe(404);
  });

  it.each<[string, (harness: Harness) => string]>([
    ['no device', () => runStateIdOf(SCRIPT, OTHER)],
    ['another script', (harness) => runStateIdOf(OTHER, idOf(harness, 0))],
    ['no script', (harness) => idOf(harness, 0)],
    ['a device that is not Windows', (harness) => runStateIdOf(SCRIPT, idOf(harness, 1))],
  ])('has no run state whose id names %s', (_, id) => {
    const harness = tenantOf({ devices: [{}, { kind: 'otherPlatform' }] });
    expect(harness.get(`${listUrl()}/${id(harness)}`).status).toBe(404);
  });

  it('is found by its id in any letter case', () => {
    const harness = tenantOf();
    const id = runStateIdOf(SCRIPT, idOf(harness, 0)).toUpperCase();
    expect(harness.get(`${listUrl('deviceHealthScript', SCRIPT.toUpperCase())}/${id}`).status).toBe(200);
  });

  it('can print secrets', () => {
    const harness = tenantOf({ plantSecrets: true });
    expect(harness.get(listUrl()).text).toContain(CANARY_PLANTED_IN_DATA);
  });

  it.each([
    ['two of one id', [1, 1].map(() => ({ kind: 'deviceHealthScript', id: SCRIPT, failing: 0 }) as const), SCRIPT],
    ['a share above 1', [{ kind: 'deviceHealthScript', id: SCRIPT, failing: 1.1 } as const], '1.1'],
    ['an unknown device', [{ kind: 'deviceHealthScript', id: SCRIPT, failing: [OTHER] } as const], OTHER],
    ['an id with a slash', [{ kind: 'deviceHealthScript', id: 'a/b', failing: 0 } as const], 'a/b'],
  ])('is refused when the tenant is made: %s', (_, scripts, named) => {
    tenantOf();
    expect(() => createHarness({ devices: 3, scripts })).toThrow(named);
  });
});

describe('a query on run states', () => {
  it.each([
    '$top=5',
    '$skip=5',
    '$count=true',
    "$filter=detectionState eq 'fail'",
    '$orderby=id',
    '$select=id,runState',
    '$select=constructor',
    '$expand=managedDevices',
    '$expand=managedDevice,script',
    '$expand=managedDevice($filter=id eq 1)',
    '$expand=managedDevice($select=recoveryKey)',
    '$expand=managedDevice($select=)',
  ])('is refused with %s and held against the client', (query) => {
    expected = { unsupportedQueryOption: 2 };
    const harness = tenantOf();
    expect(harness.get(`${listUrl()}?${query}`).status).toBe(400);
    expect(harness.get(`${listUrl()}/${runStateIdOf(SCRIPT, idOf(harness, 0))}?${query}`).status).toBe(400);
  });

  it('keeps its options from page to page', () => {
    const harness = tenantOf({ pageSize: 10 });
    const all = harness.list(`${listUrl()}?$select=id&$expand=managedDevice($select=id)`);
    expect(new Set(all.map((state) => Object.keys(state).join()))).toEqual(new Set(['id,managedDevice']));
  });

  it('counts in the class of all requests to managed devices', () => {
    const harness = tenantOf();
    harness.list(listUrl());
    expect(harness.tenant.referee.classes.any.requests).toBe(1);
  });
});

describe('a rotation through a run state, in a tenant with scripts', () => {
  const rotate = (harness: Harness, kind: ScriptKind, script: string, state: string, more = ''): number =>
    harness.send('POST', `${DM}/${kind}s/${script}/deviceRunStates/${state}/managedDevice${more}/rotateBitLockerKeys`)
      .status;

  it.each(SCRIPT_KINDS)('of a %s reaches the device', async (kind) => {
    const harness = tenantOf({ devices: [{ checkInDelayMs: 60_000 }, { kind: 'gone' }] }, kind);
    const [state, gone] = [0, 1].map((index) => runStateIdOf(SCRIPT, idOf(harness, index))) as [string, string];
    expect(rotate(harness, kind, SCRIPT, state)).toBe(204);
    expect(rotate(harness, kind, SCRIPT, gone)).toBe(404);
    await harness.pass(HOUR);
    expect(harness.tenant.truth.device(0)).toMatchObject({ requested: 1, rotated: 1 });
  });

  it.each(['users/u1', 'detectedApps/a1'])('goes on to a device under %s', (on) => {
    const harness = tenantOf({ devices: [{}, {}] }, 'deviceManagementScript');
    const state = runStateIdOf(SCRIPT, idOf(harness, 0));
    const more = `/${on}/managedDevices/${idOf(harness, 1)}`;
    expect(rotate(harness, 'deviceManagementScript', OTHER, state, more)).toBe(404);
    expect(rotate(harness, 'deviceManagementScript', SCRIPT, state, more)).toBe(204);
    expect([0, 1].map((index) => harness.tenant.truth.device(index)?.requested)).toEqual([0, 1]);
  });

  it('is answered 404 for a script of another kind, an unknown one, and an id without its script', () => {
    const harness = tenantOf();
    const state = runStateIdOf(SCRIPT, idOf(harness, 0));
    expect(rotate(harness, 'deviceComplianceScript', SCRIPT, state)).toBe(404);
    expect(rotate(harness, 'deviceHealthScript', OTHER, runStateIdOf(OTHER, idOf(harness, 0)))).toBe(404);
    expect(rotate(harness, 'deviceHealthScript', SCRIPT, idOf(harness, 0))).toBe(404);
    expect(harness.tenant.referee.rotationsAccepted).toBe(0);
  });
});
