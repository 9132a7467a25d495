import { describe, expect, it } from 'vitest';
import type { Fault } from '../../../src/simulator/faults.ts';
import { DAY_MS, HOUR_MS, START_MS, type WorldOptions } from '../../support/world.ts';
import { expectStatesTrue, recordedCount, stagesOf } from '../expect-states.ts';
import { expectHonest } from './expect-honest.ts';
import {
  createFaultWorld,
  errorMessages,
  type FaultWorld,
  FLEET_SIZE,
  runWith,
  settle,
  statesOf,
} from './fault-world.ts';
import { type Place, STATE_PART } from './places.ts';

const CREATION: Place = { method: 'POST', path: /^\/deviceManagement\/managedDeviceEncryptionStates$/ };
const SETTINGS = { RECORD_TO_GRAPH: 'true', ROTATION_CANARY_DEVICES: '0' };
const options = (more: WorldOptions = {}): WorldOptions => ({
  ...more,
  settings: { ...SETTINGS, ...more.settings },
});

const posts = (world: FaultWorld) =>
  world.sim.history.filter(
    ({ method, path }) => method === 'POST' && path === '/deviceManagement/managedDeviceEncryptionStates',
  );
const warnings = (world: FaultWorld) =>
  world.log
    .map(
      (line) =>
        JSON.parse(line) as { readonly message?: string; readonly missingRole?: string; readonly status?: number },
    )
    .filter(({ message }) => message?.includes('none is sent in the rest of this run') === true);

describe('creating encryption states in Graph', () => {
  it('creates one for each that was recorded, and none where Graph has none', async () => {
    const { world, run, rows } = await runWith([], options({ devices: 100 }));
    expect(run.state).toBe('completed');
    expect(statesOf(rows)).toEqual({ proven: 100 });
    expect(recordedCount(rows)).toBeGreaterThan(80);
    expect(recordedCount(rows)).toBeLessThan(100);
    expect(stagesOf(rows)).toEqual({ created: recordedCount(rows) });
    expectStatesTrue(world, rows);
    expect(warnings(world)).toEqual([]);
    await expectHonest(world);
  });

  it('sends none without the setting', async () => {
    const { world, rows } = await runWith([], options({ settings: { RECORD_TO_GRAPH: 'false' } }));
    expect(posts(world)).toEqual([]);
    expect(stagesOf(rows)).toEqual({ unsent: recordedCount(rows) });
  });

  it('keeps to its own budget, whatever the slices', async () => {
    const limit = { limit: 5, windowMs: 20_000 };
    const { world, rows } = await runWith([], {
      ...options({ devices: 60, settings: { GRAPH_STATE_WRITE_BUDGET: '5/PT20S' } }),
      throttling: { limits: { stateWrite: limit } },
    });
    expect(posts(world).filter(({ status }) => status === 429)).toEqual([]);
    expect(stagesOf(rows)).toEqual({ created: recordedCount(rows) });
    expectStatesTrue(world, rows);
    await expectHonest(world);
  });

  it.each(['dryRun', 'off'] as const)('sends none while the app is in mode %s, and goes on looking', async (mode) => {
    const world = createFaultWorld(options());
    const run = await world.clock.run(async () => {
      const switched = world.clock.sleep(20 * 60_000).then(() => {
        world.mode = mode;
      });
      const ended = await settle(world);
      await switched;
      return ended;
    });
    const rows = await world.rotations(run.runId);
    expect(run.state).toBe('completed');
    expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
    expect(posts(world)).toEqual([]);
    await expectHonest(world);
  });

  it('creates a second one when the last look finds what the report did not show before', async () => {
    const devices = [{ kind: 'escrowFailing', name: 'NO-BACKUP', checkInDelayMs: HOUR_MS }] as const;
    for (const seed of [1, 2, 3]) {
      const { world, rows } = await runWith([], options({ devices, seed }));
      const [row] = rows;
      expect(row).toMatchObject({ deviceName: 'NO-BACKUP', state: 'overdue' });
      const states = (row?.encryptionStates ?? []).map(({ state }) =>
        state === 'none' ? state : state.advancedBitLockerStates,
      );
      expect(states.at(-1)).toEqual(['recoveryKeyBackupFailed', 'networkError']);
      expect(states.length).toBeLessThanOrEqual(2);
      expect(stagesOf(rows)).toEqual({ created: states.length });
      expectStatesTrue(world, rows);
    }
  });
});

/** Nobody knows whether the tenant took it. */
const UNKNOWN: readonly (readonly [string, Fault, { readonly happened: boolean }])[] = [
  ['500', { kind: 'status', status: 500 }, { happened: false }],
  ['502', { kind: 'status', status: 502 }, { happened: false }],
  ['503', { kind: 'status', status: 503 }, { happened: false }],
  [
    '503 with Retry-After',
    { kind: 'status', status: 503, retryAfter: 'seconds', retryAfterMs: 7_000 },
    { happened: false },
  ],
  ['504', { kind: 'status', status: 504 }, { happened: false }],
  ['reset before the effect', { kind: 'resetBefore' }, { happened: false }],
  ['reset after the effect', { kind: 'resetAfter' }, { happened: true }],
  ['503 after the effect', { kind: 'statusAfterEffect', status: 503 }, { happened: true }],
  ['504 after the effect', { kind: 'statusAfterEffect', status: 504 }, { happened: true }],
  ['slow beyond the timeout', { kind: 'slow', latencyMs: 120_000 }, { happened: true }],
];

describe('a creation whose fate is not known', () => {
  it.each(UNKNOWN)('is recorded as unknown, and never repeated: %s', async (_what, fault, { happened }) => {
    const { world, run, rows } = await runWith([{ ...CREATION, fault, times: 3, skip: 4 }], options());
    const count = recordedCount(rows);
    expect(errorMessages(world)).toEqual([]);
    expect(run.state).toBe('completed');
    expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
    expect(stagesOf(rows)).toEqual({ created: count - 3, unknown: 3 });
    expect(posts(world)).toHaveLength(count);
    expect(world.sim.truth.createdStates).toHaveLength(happened ? count : count - 3);
    expectStatesTrue(world, rows);
    await expectHonest(world);
  });

  it.each(UNKNOWN)('is recorded as unknown even when it is every single one: %s', async (_what, fault) => {
    const { world, run, rows } = await runWith([{ ...CREATION, fault, times: 1_000 }], options());
    expect(run.state).toBe('completed');
    expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
    expect(stagesOf(rows)).toEqual({ unknown: recordedCount(rows) });
    expect(posts(world)).toHaveLength(recordedCount(rows));
    expectStatesTrue(world, rows);
    await expectHonest(world, { openEnded: true });
  });
});

describe('a creation that was certainly not taken', () => {
  it.each<[string, Fault, number]>([
    ['a storm of 429 without Retry-After', { kind: 'throttle', retryAfter: 'absent' }, 25],
    ['a storm of 429 that asks for a minute', { kind: 'throttle', retryAfter: 'seconds', retryAfterMs: 60_000 }, 25],
    [
      'a 429 that asks for longer than an invocation',
      { kind: 'throttle', retryAfter: 'seconds', retryAfterMs: HOUR_MS },
      3,
    ],
    ['a 401 for a valid token', { kind: 'expiredToken' }, 1],
    ['a 403 that means nothing', { kind: 'forbiddenFlicker' }, 1],
  ])('is sent again until it is: %s', async (_what, fault, times) => {
    const { world, run, rows } = await runWith([{ ...CREATION, fault, times }], options());
    expect(errorMessages(world)).toEqual([]);
    expect(run.state).toBe('completed');
    expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
    expect(stagesOf(rows)).toEqual({ created: recordedCount(rows) });
    expectStatesTrue(world, rows);
    await expectHonest(world);
  });

  it('is given up when the tenant throttles for days: the run ends all the same', async () => {
    const fault: Fault = { kind: 'throttle', retryAfter: 'seconds', retryAfterMs: HOUR_MS };
    const { world, run, rows } = await runWith([{ ...CREATION, fault, times: 10_000 }], options());
    expect(run.state).toBe('completed');
    expect((run.finishedAtMs ?? 0) - START_MS).toBeLessThan(4 * DAY_MS);
    expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
    expect(stagesOf(rows)).toEqual({ unsent: recordedCount(rows) });
    expect(world.sim.truth.createdStates).toEqual([]);
    await expectHonest(world, { openEnded: true });
  });
});

describe('a tenant that refuses creation', () => {
  it.each([400, 405, 501] as const)('by %i: the run goes on and says so once, whatever the slices', async (status) => {
    const { world, run, rows } = await runWith([], options({ devices: 60, stateCreation: status }));
    expect(errorMessages(world)).toEqual([]);
    expect(run.state).toBe('completed');
    expect(statesOf(rows)).toEqual({ proven: 60 });
    expect(warnings(world)).toMatchObject([{ status }]);
    // Slices of ten: what was on its way when the first answer came, and nothing later.
    const stages = stagesOf(rows);
    expect(stages.refused).toBe(posts(world).length);
    expect((stages.refused ?? 0) + (stages.unsent ?? 0)).toBe(recordedCount(rows));
    expect(new Set(posts(world).map((post) => post.status))).toEqual(new Set([status]));
    expect((await world.ledger.readOutcomes(run.runId))?.value.statesRefused).toBe(status);
    await expectHonest(world);
  });

  it('because the role is missing: the run goes on and names it once', async () => {
    const roles = [
      'DeviceManagementManagedDevices.ReadWrite.All',
      'DeviceManagementConfiguration.Read.All',
      'BitlockerKey.ReadBasic.All',
    ];
    const { world, run, rows } = await runWith([], options({ devices: 60, roles }));
    expect(errorMessages(world)).toEqual([]);
    expect(run.state).toBe('completed');
    expect(statesOf(rows)).toEqual({ proven: 60 });
    expect(warnings(world)).toMatchObject([
      { status: 403, missingRole: 'DeviceManagementConfiguration.ReadWrite.All' },
    ]);
    expect(warnings(world)[0]?.message).toContain('DeviceManagementConfiguration.ReadWrite.All');
    expect(world.sim.truth.createdStates).toEqual([]);
    expectStatesTrue(world, rows);
    await expectHonest(world);
  });

  it.each([404, 409, 413])('by %i refuses the one that was sent, and the others are created', async (status) => {
    const { world, run, rows } = await runWith(
      [{ ...CREATION, fault: { kind: 'status', status }, times: 2, skip: 3 }],
      options(),
    );
    expect(run.state).toBe('completed');
    expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
    expect(stagesOf(rows)).toEqual({ created: recordedCount(rows) - 2, refused: 2 });
    expect(posts(world)).toHaveLength(recordedCount(rows));
    expect(warnings(world)).toEqual([]);
    expectStatesTrue(world, rows);
    await expectHonest(world);
  });

  it('is asked again by the next run', async () => {
    const world = createFaultWorld(
      options({ settings: { ROTATION_MAX_KEY_AGE: 'P5D', ROTATION_MIN_KEY_AGE: 'PT1H' } }),
    );
    await world.clock.run(async () => {
      const process = world.start();
      world.sim.script({ ...CREATION, fault: { kind: 'status', status: 405 } });
      await settle(world, process);
      await world.clock.sleep(8 * DAY_MS);
      await process.tick();
      await world.deliver(process, world.clock.nowMs() + 20 * DAY_MS);
    });
    const [second, first] = await world.runs();
    expect(stagesOf(await world.rotations(first?.runId ?? second?.runId ?? ('' as never))).created).toBeLessThan(
      FLEET_SIZE,
    );
    const rows = await world.rotations(second?.runId ?? ('' as never));
    expect(stagesOf(rows)).toEqual({ created: recordedCount(rows) });
    expect(recordedCount(rows)).toBeGreaterThan(20);
    expect(warnings(world)).toHaveLength(1);
  });
});

describe('chaos among states', () => {
  it.each([1, 2, 3])('creates none twice and loses no rotation (seed %i)', async (seed) => {
    const { world, run, rows } = await runWith(
      [
        { ...CREATION, fault: { kind: 'resetAfter' }, times: 4, skip: 2 },
        { ...CREATION, fault: { kind: 'status', status: 503 }, times: 4, skip: 5 },
        { ...CREATION, fault: { kind: 'throttle', retryAfter: 'absent' }, times: 6, skip: 9 },
        { ...STATE_PART, fault: { kind: 'status', status: 503 }, times: 5 },
      ],
      options({ devices: 60, seed }),
    );
    expect(run.state).toBe('completed');
    expect(statesOf(rows)).toEqual({ proven: 60 });
    expect(stagesOf(rows)).toEqual({ created: recordedCount(rows) - 8, unknown: 8 });
    expectStatesTrue(world, rows);
    await expectHonest(world);
  });
});
