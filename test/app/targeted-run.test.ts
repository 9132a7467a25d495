/** Runs over named devices: long lists are planned, and a target that cannot be read holds nobody else up. */
import { describe, expect, it } from 'vitest';
import { startTargetedRun } from '../../src/app/start-run.ts';
import { type ManagedDeviceId, parseManagedDeviceId, parseRunId } from '../../src/domain/ids.ts';
import type { Run } from '../../src/domain/run.ts';
import { type RotationTarget, SCRIPT_KINDS, type ScriptKind } from '../../src/domain/targets.ts';
import type { DeviceSpec } from '../../src/simulator/devices/device-profile.ts';
import type { ScriptedFault } from '../../src/simulator/faults.ts';
import { runCodec } from '../../src/storage/rows/run-row.ts';
import { createWorld, DAY_MS, HOUR_MS, START_MS, type World, type WorldOptions } from '../support/world.ts';
import { createFaultWorld, logLines } from './faults/fault-world.ts';
import { KEY_PART } from './faults/places.ts';

/** Azure Tables holds 1 MiB in an entity, UTF-16. Source: Understanding the Table service data model (read 2026-11-22). */
const ENTITY_BYTES = 1024 * 1024;

/** What may pass between a message and its request, besides the wait for quota. */
const SOON_MS = 5_000;

async function runOver(world: World, targets: readonly RotationTarget[]): Promise<Run> {
  return world.clock.run(async () => {
    const process = world.start();
    const mode = world.settings.mode === 'live' ? 'live' : 'dryRun';
    const start = { runId: parseRunId('named'), trigger: 'onDemand', mode, targets } as const;
    const { run } = await startTargetedRun(process.deps, start);
    await world.queues.sendContinuation({ tenantId: run.tenantId, runId: run.runId, checkpoint: 0 }, 0);
    await world.deliver(process, START_MS + 20 * DAY_MS);
    expect(world.errors).toEqual([]);
    const [now] = await world.runs();
    return now ?? run;
  });
}

/** As the run stands once it rotates: whoever is asked cannot be looked at in such a world. */
async function untilRotating(world: World, targets: readonly RotationTarget[]): Promise<Run> {
  return world.clock.run(async () => {
    const process = world.start();
    const start = { runId: parseRunId('named'), trigger: 'onDemand', mode: 'live', targets } as const;
    const { run } = await startTargetedRun(process.deps, start);
    await world.queues.sendContinuation({ tenantId: run.tenantId, runId: run.runId, checkpoint: 0 }, 0);
    await world.deliver(process, START_MS + HOUR_MS / 4);
    return (await world.runs())[0] ?? run;
  });
}

function idAt(world: World, index: number): ManagedDeviceId {
  return parseManagedDeviceId(world.sim.truth.device(index)?.managedDeviceId);
}

const targetsOf = (world: World, count: number): readonly RotationTarget[] =>
  Array.from({ length: count }, (_, index) => ({ managedDeviceId: idAt(world, index) }));

const unknownTargets = (count: number): readonly RotationTarget[] =>
  Array.from({ length: count }, (_, i) => ({
    managedDeviceId: parseManagedDeviceId(`0000000f-0000-4000-8000-${String(i).padStart(12, '0')}`),
  }));

function rowBytes(run: Run): number {
  const { targets: _targets, ...row } = run;
  return Object.entries(runCodec.encode(row)).reduce(
    (sum, [name, value]) => sum + 2 * (name.length + String(value).length),
    0,
  );
}

describe('a long list of targets', () => {
  it('is planned, although asking for the keys of each would take longer than an invocation', async () => {
    const world = createWorld({
      devices: 6_000,
      fleet: 'healthy',
      seed: 3,
      historyLimit: 10,
      settings: { ROTATION_MODE: 'dryRun' },
    });
    const run = await runOver(world, targetsOf(world, 6_000));
    expect(run).toMatchObject({ state: 'completed', devices: 6_000, due: 6_000, checkpoint: 0 });
    expect(run.unresolved).toBeUndefined();
  });

  it('plans the devices named and no others, by either id', async () => {
    const world = createWorld({ devices: 600, fleet: 'healthy', seed: 3, settings: { ROTATION_MODE: 'dryRun' } });
    const named = Array.from({ length: 550 }, (_, i) => world.sim.truth.device(i));
    const targets = named.map((device, i) =>
      i % 2 === 0 ? { managedDeviceId: device?.managedDeviceId } : { entraDeviceId: device?.entraDeviceId },
    ) as readonly RotationTarget[];
    const run = await runOver(world, [...targets, ...targets.slice(0, 5)]);
    const rows = await world.rotations(run.runId);
    expect(rows.map((row) => row.managedDeviceId).sort()).toEqual(named.map((one) => one?.managedDeviceId).sort());
    expect(run.unresolved).toBeUndefined();
  });

  it.each([400, 7_000])('of which %i are no device names a hundred of them, and its row stays small', async (count) => {
    const world = createFaultWorld();
    const run = await runOver(world, [...unknownTargets(count), ...targetsOf(world, 2)]);
    expect(run).toMatchObject({ state: 'completed', devices: 2, finalCounts: { proven: 2 } });
    expect(run.unresolved).toHaveLength(101);
    expect(run.unresolved?.[0]).toMatch(/^managedDeviceId 0000000f-\S+: no such managed device$/);
    expect(run.unresolved?.at(-1)).toBe(`and ${count - 100} more`);
    expect(rowBytes(run)).toBeLessThan(ENTITY_BYTES / 10);
  });
});

describe('a target that cannot be read', () => {
  it.each([
    [400, '(status 400)'],
    [403, '(status 403)'],
    [503, 'now (status 503): ask again'],
  ])('is listed with what Graph answered, and the rest is rotated at once (%i)', async (status, words) => {
    const world = createFaultWorld();
    const bad = idAt(world, 3);
    world.sim.script({ path: new RegExp(`/managedDevices/${bad}`), fault: { kind: 'status', status }, times: 10_000 });
    const run = await runOver(world, targetsOf(world, 10));
    expect(run).toMatchObject({
      state: 'completed',
      devices: 9,
      finalCounts: { proven: 9 },
      unresolved: [`managedDeviceId ${bad}: Graph cannot read it ${words}`],
    });
    expect(world.sim.truth.asked()).toHaveLength(9);
    expect(world.sim.truth.device(3)?.requested).toBe(0);
    expect((run.rotatingStartedAtMs ?? Number.POSITIVE_INFINITY) - START_MS).toBeLessThan(SOON_MS);
  });

  it.each([
    ['reset', { kind: 'resetBefore' }],
    ['answered 503 as a whole', { kind: 'status', status: 503 }],
    ['no JSON as a whole', { kind: 'malformed', variant: 'html' }],
  ] as const)('since its batch is %s holds up nobody who is read in another', async (_what, fault) => {
    const world = createScriptWorld();
    world.sim.script({ path: /\$batch$/, when: ({ version }) => version === 'beta', fault, times: 10_000 });
    const run = await untilRotating(world, [{ comanagedDeviceId: idAt(world, 1) }, { deviceName: 'LT-5' }]);
    expect(run).toMatchObject({ devices: 1, due: 1 });
    expect(run.unresolved).toEqual([
      expect.stringMatching(/^comanagedDeviceId \S+: Graph cannot read it .*ask again$/),
    ]);
    expect((run.rotatingStartedAtMs ?? Number.POSITIVE_INFINITY) - START_MS).toBeLessThan(SOON_MS);
  });

  it('for now is waited for when it is the only one', async () => {
    const world = createFaultWorld();
    const path = new RegExp(`/managedDevices/${idAt(world, 3)}`);
    const untilMs = START_MS + 1_200_000;
    const fault = { kind: 'status', status: 503 } as const;
    world.sim.script({ path, fault, times: 10_000, when: () => world.clock.nowMs() < untilMs });
    const run = await runOver(world, [{ managedDeviceId: idAt(world, 3) }]);
    expect(run).toMatchObject({ state: 'completed', finalCounts: { proven: 1 } });
    expect(run.unresolved).toBeUndefined();
  });

  it('for an outage of Graph is waited for with all the others, however long it lasts', async () => {
    const world = createFaultWorld();
    const untilMs = START_MS + 8 * HOUR_MS;
    const fault = { kind: 'status', status: 503 } as const;
    world.sim.script({ path: /./, fault, times: 1_000_000, when: () => world.clock.nowMs() < untilMs });
    const run = await runOver(world, targetsOf(world, 10));
    expect(run).toMatchObject({ state: 'completed', finalCounts: { proven: 10 } });
    expect(run.unresolved).toBeUndefined();
  });

  const health = 'deviceHealthScript';
  it.each<readonly [string, RegExp, ScriptedFault['fault'], (world: World) => RotationTarget, RegExp]>([
    [
      'a run state',
      /\/deviceRunStates\//,
      { kind: 'status', status: 403 },
      (world) => ({ deviceHealthScriptId: SCRIPTS[health], deviceRunStateId: runStateOf(world, health, 3) }),
      /: Graph cannot read it \(status 403\)$/,
    ],
    [
      'a failing script',
      /\/deviceRunStates$/,
      { kind: 'status', status: 403 },
      () => ({ deviceHealthScriptId: SCRIPTS[health], failing: true }),
      /: Graph cannot list its run states \(status 403\)$/,
    ],
    [
      'a failing script whose listing is no JSON',
      /\/deviceRunStates$/,
      { kind: 'malformed', variant: 'html' },
      () => ({ deviceHealthScriptId: SCRIPTS[health], failing: true }),
      /: Graph cannot list its run states \(malformed\): ask again$/,
    ],
    [
      'the one managed device id',
      /\/managedDevices\/[^/]+$/,
      { kind: 'status', status: 403 },
      (world) => ({ managedDeviceId: idAt(world, 3) }),
      /^managedDeviceId \S+: Graph cannot read it \(status 403\)$/,
    ],
  ])(
    'for all of its kind (%s) leaves the others to be rotated, and the run to end',
    async (_, path, fault, target, words) => {
      const world = createScriptWorld();
      // Until the plan stands: what is read of the devices afterwards is another matter.
      const when = () => world.sim.truth.asked().length === 0;
      world.sim.script({ path, fault, when, times: 10_000 });
      const run = await runOver(world, [target(world), { deviceName: 'LT-5' }]);
      expect(run).toMatchObject({ state: 'completed', devices: 1, finalCounts: { proven: 1 } });
      expect(run.unresolved).toEqual([expect.stringMatching(words)]);
      expect(world.sim.truth.asked().map(({ index }) => index)).toEqual([5]);
      expect((run.rotatingStartedAtMs ?? Number.POSITIVE_INFINITY) - START_MS).toBeLessThan(SOON_MS);
    },
  );

  const ROLES = ['DeviceManagementManagedDevices.ReadWrite.All', 'BitlockerKey.ReadBasic.All'];
  const NEEDS =
    "(status 403): the app's identity needs the Graph application role " +
    'DeviceManagementScripts.Read.All and DeviceManagementConfiguration.Read.All';
  it('for want of a role is told with the role’s name; the rest is rotated', async () => {
    const world = createScriptWorld({ roles: ROLES });
    const state = runStateOf(world, health, 3);
    const run = await runOver(world, [
      { deviceHealthScriptId: SCRIPTS[health], deviceRunStateId: state },
      { deviceHealthScriptId: SCRIPTS[health], failing: true },
      { deviceName: 'LT-5' },
    ]);
    expect(run).toMatchObject({ state: 'completed', devices: 1, finalCounts: { proven: 1 } });
    expect(run.unresolved).toEqual([
      `deviceHealthScriptId ${SCRIPTS[health]}, deviceRunStateId ${state}: Graph cannot read it ${NEEDS}`,
      `deviceHealthScriptId ${SCRIPTS[health]}: Graph cannot list its run states ${NEEDS}`,
    ]);
  });

  it('for want of a role, like all the others, ends the run at once: its result and the log name the role', async () => {
    const world = createScriptWorld({ roles: ROLES });
    const run = await runOver(world, [{ deviceHealthScriptId: SCRIPTS[health], failing: true }]);
    expect(run).toMatchObject({ state: 'completed', devices: 0 });
    expect(run.unresolved).toEqual([expect.stringContaining(NEEDS)]);
    expect((run.finishedAtMs ?? Number.POSITIVE_INFINITY) - START_MS).toBeLessThan(60_000);
    const lines = logLines(world, 'part of what is asked for could not be read');
    expect(lines).toMatchObject([{ errorKind: 'forbidden', status: 403 }]);
    expect(lines[0]?.errorMessage).toContain('DeviceManagementScripts.Read.All');
  });
});

describe('a target whose recovery keys cannot be listed', () => {
  it('is not asked, since nothing could prove its rotation; the others are', async () => {
    const world = createFaultWorld();
    world.sim.script({ ...KEY_PART, fault: { kind: 'status', status: 400 }, skip: 3 });
    const run = await runOver(world, targetsOf(world, 10));
    expect(run).toMatchObject({ state: 'completed', devices: 9, finalCounts: { proven: 9 } });
    expect(run.unresolved).toEqual([
      expect.stringMatching(/^entraDeviceId \S+: its recovery keys cannot be listed \(status 400\)$/),
    ]);
    expect(world.sim.truth.asked()).toHaveLength(9);
  });

  it('for want of the role is given up in words that name it, and the run ends', async () => {
    const world = createFaultWorld({ roles: ['DeviceManagementManagedDevices.ReadWrite.All'] });
    const run = await runOver(world, targetsOf(world, 2));
    expect(run).toMatchObject({ state: 'completed', devices: 0 });
    expect(run.unresolved).toHaveLength(2);
    for (const words of run.unresolved ?? [])
      expect(words).toMatch(/needs the Graph application role BitlockerKey.ReadBasic.All$/);
  });

  it('is given up in the end when Graph never answers, and nothing is asked meanwhile', async () => {
    const world = createFaultWorld();
    world.sim.script({ ...KEY_PART, fault: { kind: 'status', status: 503 }, times: 100_000 });
    const run = await runOver(world, targetsOf(world, 2));
    expect(run).toMatchObject({ state: 'completed', devices: 0, due: 0 });
    expect(run.unresolved).toHaveLength(2);
    expect(world.sim.truth.asked()).toEqual([]);
  });
});

const SCRIPTS: Readonly<Record<ScriptKind, string>> = {
  deviceHealthScript: '5c000000-0000-4000-8000-000000000001',
  deviceManagementScript: '5c000000-0000-4000-8000-000000000002',
  deviceComplianceScript: '5c000000-0000-4000-8000-000000000003',
};

/** Twelve devices that can rotate, the second one co-managed; each script fails on a third of them. */
function createScriptWorld(options: WorldOptions = {}) {
  const devices = Array.from({ length: 12 }, (_, i): DeviceSpec => {
    const kind = i === 1 ? 'coManaged' : 'online';
    return {
      kind,
      name: `LT-${i}`,
      serialNumber: `SN-${i}`,
      userPrincipalName: `user${i}@contoso.com`,
      checkInDelayMs: HOUR_MS,
    };
  });
  const scripts = SCRIPT_KINDS.map((kind) => ({ kind, id: SCRIPTS[kind], failing: 0.4 }));
  return createFaultWorld({ devices, scripts, ...options });
}

const runStateOf = (world: World, kind: ScriptKind, index: number) => `${SCRIPTS[kind]}:${idAt(world, index)}`;

/** Path and answer of every rotation request. */
function rotationsSeen(world: World): readonly string[] {
  return world.sim.history
    .filter(({ path }) => path.endsWith('/rotateBitLockerKeys'))
    .map(({ method, version, path, status }) => `${method} /${version}${path} ${status}`);
}

type UrlForm = readonly [form: string, target: (world: World) => RotationTarget, path: (world: World) => string];

const MANAGEMENT = 'deviceManagementScript';
const URL_FORMS: readonly UrlForm[] = [
  ['managedDevices', (world) => ({ managedDeviceId: idAt(world, 3) }), (world) => `managedDevices/${idAt(world, 3)}`],
  [
    'comanagedDevices',
    (world) => ({ comanagedDeviceId: idAt(world, 1) }),
    (world) => `comanagedDevices/${idAt(world, 1)}`,
  ],
  ...SCRIPT_KINDS.map(
    (kind): UrlForm => [
      `${kind}s`,
      (world) =>
        ({ [`${kind}Id`]: SCRIPTS[kind], deviceRunStateId: runStateOf(world, kind, 3) }) as unknown as RotationTarget,
      (world) =>
        `${kind}s/${SCRIPTS[kind]}/deviceRunStates/${encodeURIComponent(runStateOf(world, kind, 3))}/managedDevice`,
    ],
  ),
  [
    'the users of a run state’s device',
    (world) => ({
      deviceManagementScriptId: SCRIPTS[MANAGEMENT],
      deviceRunStateId: runStateOf(world, MANAGEMENT, 3),
      userId: world.sim.truth.namesOf(3).userId,
      managedDeviceId: idAt(world, 3),
    }),
    (world) =>
      `deviceManagementScripts/${SCRIPTS[MANAGEMENT]}/deviceRunStates/${encodeURIComponent(runStateOf(world, MANAGEMENT, 3))}` +
      `/managedDevice/users/${world.sim.truth.namesOf(3).userId}/managedDevices/${idAt(world, 3)}`,
  ],
  [
    'the detected apps of a run state’s device',
    (world) => ({
      deviceManagementScriptId: SCRIPTS[MANAGEMENT],
      deviceRunStateId: runStateOf(world, MANAGEMENT, 3),
      detectedAppId: 'app 1',
      managedDeviceId: idAt(world, 3),
    }),
    (world) =>
      `deviceManagementScripts/${SCRIPTS[MANAGEMENT]}/deviceRunStates/${encodeURIComponent(runStateOf(world, MANAGEMENT, 3))}` +
      `/managedDevice/detectedApps/app%201/managedDevices/${idAt(world, 3)}`,
  ],
];

describe('a target of the URL form', () => {
  it.each(URL_FORMS)('%s is accepted on exactly that path, and proven', async (_form, target, path) => {
    const world = createScriptWorld();
    const run = await runOver(world, [target(world)]);
    expect(rotationsSeen(world)).toEqual([`POST /beta/deviceManagement/${path(world)}/rotateBitLockerKeys 204`]);
    expect(run).toMatchObject({ state: 'completed', devices: 1, due: 1, finalCounts: { proven: 1 } });
    expect(run.unresolved).toBeUndefined();
    expect(world.sim.truth.rotatedCount()).toBe(1);
    world.sim.referee.assertClean();
  });

  it('of a run state that is gone by the time it is asked for is refused by Graph with 404', async () => {
    const world = createScriptWorld();
    const target = { deviceManagementScriptId: SCRIPTS[MANAGEMENT], deviceRunStateId: 'no-such-state' };
    const routed = { ...target, userId: 'u', managedDeviceId: idAt(world, 3) };
    const run = await runOver(world, [target, routed]);
    expect(run).toMatchObject({ state: 'completed', devices: 1, finalCounts: { refused: 1 } });
    expect(run.unresolved).toEqual([
      `deviceManagementScriptId ${SCRIPTS[MANAGEMENT]}, deviceRunStateId no-such-state: no such run state`,
    ]);
    expect(world.sim.truth.asked()).toEqual([]);
  });
});

describe('a target that is a name', () => {
  it.each([
    ['deviceName', { deviceName: 'LT-5' }],
    ['serialNumber', { serialNumber: 'SN-5' }],
    ['userPrincipalName', { userPrincipalName: 'user5@contoso.com' }],
  ] as const)('is found by its %s, and proven', async (_by, target) => {
    const world = createScriptWorld();
    const run = await runOver(world, [target, { deviceName: 'LT-99' }]);
    expect(run).toMatchObject({ devices: 1, finalCounts: { proven: 1 } });
    expect(run.unresolved).toEqual(['deviceName LT-99: no managed device has it']);
    expect(world.sim.truth.asked().map(({ index }) => index)).toEqual([5]);
  });

  it('that several devices have is refused', async () => {
    const world = createFaultWorld({
      devices: [
        { name: 'TWIN', userPrincipalName: 'ann@contoso.com' },
        { name: 'TWIN', userPrincipalName: 'ann@contoso.com' },
        { name: 'LT-2', userPrincipalName: 'bob@contoso.com' },
      ],
    });
    const run = await runOver(world, [
      { deviceName: 'TWIN' },
      { userPrincipalName: 'ann@contoso.com' },
      { userPrincipalName: 'bob@contoso.com' },
    ]);
    const matches = `2 managed devices match: TWIN (${idAt(world, 0)}), TWIN (${idAt(world, 1)})`;
    expect(run.unresolved).toEqual([`deviceName TWIN: ${matches}`, `userPrincipalName ann@contoso.com: ${matches}`]);
    expect(world.sim.truth.asked().map(({ index }) => index)).toEqual([2]);
  });
});

describe('a target that is a script', () => {
  it.each(SCRIPT_KINDS)(
    'of the kind %s rotates every device it fails on, by its run state, and no other',
    async (kind) => {
      const world = createScriptWorld();
      const failing = world.sim.truth.failingOf(SCRIPTS[kind]).map(({ managedDeviceId }) => managedDeviceId);
      expect(failing.length).toBeGreaterThan(1);
      const target = { [`${kind}Id`]: SCRIPTS[kind], failing: true } as unknown as RotationTarget;
      const run = await runOver(world, [target]);
      expect(run).toMatchObject({ devices: failing.length, finalCounts: { proven: failing.length } });
      expect(rotationsSeen(world).toSorted()).toEqual(
        failing
          .map((id) => encodeURIComponent(`${SCRIPTS[kind]}:${id}`))
          .map((id) => `/beta/deviceManagement/${kind}s/${SCRIPTS[kind]}/deviceRunStates/${id}/managedDevice`)
          .map((path) => `POST ${path}/rotateBitLockerKeys 204`)
          .toSorted(),
      );
      world.sim.referee.assertClean();
    },
  );

  it('that Intune does not know is refused, and the rest goes on', async () => {
    const world = createScriptWorld();
    const run = await runOver(world, [{ deviceHealthScriptId: 'none', failing: true }, { deviceName: 'LT-3' }]);
    expect(run).toMatchObject({ devices: 1, finalCounts: { proven: 1 } });
    expect(run.unresolved).toEqual(['deviceHealthScriptId none: no such script']);
  });

  it('is waited for while its run states cannot be listed', async () => {
    const world = createScriptWorld();
    const untilMs = START_MS + 1_200_000;
    const fault = { kind: 'status', status: 503 } as const;
    world.sim.script({ path: /\/deviceRunStates/, fault, times: 10_000, when: () => world.clock.nowMs() < untilMs });
    const run = await runOver(world, [{ deviceHealthScriptId: SCRIPTS.deviceHealthScript, failing: true }]);
    const failing = world.sim.truth.failingOf(SCRIPTS.deviceHealthScript).length;
    expect(run).toMatchObject({ state: 'completed', finalCounts: { proven: failing } });
    expect(run.unresolved).toBeUndefined();
  });

  it('whose run states Graph never lists is given up at once, and holds nobody else up', async () => {
    const world = createScriptWorld();
    world.sim.script({ path: /\/deviceRunStates/, fault: { kind: 'status', status: 500 }, times: 100_000 });
    const run = await runOver(world, [
      { deviceHealthScriptId: SCRIPTS.deviceHealthScript, failing: true },
      { deviceName: 'LT-3' },
    ]);
    expect(run).toMatchObject({ state: 'completed', devices: 1, finalCounts: { proven: 1 } });
    expect(run.unresolved).toEqual([
      `deviceHealthScriptId ${SCRIPTS.deviceHealthScript}: Graph cannot list its run states now (status 500): ask again`,
    ]);
    expect((run.rotatingStartedAtMs ?? 0) - START_MS).toBeLessThan(SOON_MS);
  });

  it('fails on thousands of devices, which takes several invocations, and each is asked once', async () => {
    const world = createWorld({
      devices: 3_000,
      fleet: 'healthy',
      seed: 3,
      pageSize: 100,
      latencyMs: 1_000,
      historyLimit: 10,
      scripts: [{ kind: 'deviceHealthScript', id: 'script-1', failing: 0.5 }],
      settings: { ROTATION_MODE: 'dryRun', ROTATION_TIME_BUDGET: 'PT10S', ROTATION_MAX_DEVICES: '1000' },
    });
    const failing = world.sim.truth.failingOf('script-1');
    const run = await runOver(world, [{ deviceHealthScriptId: 'script-1', failing: true }]);
    expect(run).toMatchObject({ state: 'completed', devices: failing.length, due: 1_000 });
    expect(run.skipped).toEqual({ overRunLimit: failing.length - 1_000 });
    expect(run.checkpoint).toBeGreaterThan(4);
    const rows = await world.rotations(run.runId);
    expect(rows.map((row) => row.managedDeviceId).sort()).toEqual(failing.map((one) => one.managedDeviceId).sort());
    expect(rows.every((row) => row.route?.via === 'deviceHealthScript')).toBe(true);
  });
});
