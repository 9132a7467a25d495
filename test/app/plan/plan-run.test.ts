import { describe, expect, it } from 'vitest';
import { planIndexName, planPrefix } from '../../../src/app/plan/plan-files.ts';
import { planRun } from '../../../src/app/plan/plan-run.ts';
import { TargetUnreadableError } from '../../../src/app/plan/refusal.ts';
import { LeaseLostError, takeLease } from '../../../src/app/run-lease.ts';
import { runDetails } from '../../../src/domain/evidence/run-details.ts';
import { GraphError } from '../../../src/domain/graph-error.ts';
import type { Rotation } from '../../../src/domain/rotation.ts';
import { addCounts } from '../../../src/domain/run.ts';
import { createLife, mortal, mortalClock, ProcessDied } from '../../support/mortal.ts';
import {
  createPlanning,
  DAY_MS,
  device,
  entraId,
  HOUR_MS,
  type Holdings,
  key,
  managedId,
  type Planning,
  planFleet,
  planTargets,
  START_MS,
} from './planning.ts';

/** A fleet with some of everything. */
function mixed(): Pick<Holdings, 'devices' | 'keys'> {
  const devices = [
    ...Array.from({ length: 40 }, (_, i) => device(i + 1)),
    device(41, { isEncrypted: false }),
    device(42, { operatingSystem: 'iOS' }),
    device(43, { entraDeviceId: undefined }),
    device(44, { entraDeviceId: entraId(1), lastSyncAtMs: START_MS - 2 * HOUR_MS }),
    device(45, { lastSyncAtMs: START_MS - 30 * DAY_MS }),
    device(46, { deviceName: 'KIOSK-1' }),
  ];
  const keys = Array.from({ length: 35 }, (_, i) => key(i + 1, i + 1, 5 * (i + 1) + 0.5));
  return { devices, keys };
}
const SETTINGS = { ROTATION_EXCLUDE: 'KIOSK-*', ROTATION_CANARY_DEVICES: '5', ROTATION_MAX_DEVICES: '15' };
const world = (changes: Partial<Holdings> = {}) => createPlanning({ ...mixed(), pageSize: 7, ...changes }, SETTINGS);

async function expectWhole(planning: Planning, run: Awaited<ReturnType<Planning['run']>>, rows: readonly Rotation[]) {
  expect(rows.map((row) => row.order)).toEqual(rows.map((_, i) => i));
  expect(rows.map((row) => row.managedDeviceId).sort()).toEqual(
    planning.tenant.devices.map((one) => one.managedDeviceId).sort(),
  );
  const counts = addCounts(...rows.map((row) => ({ [row.state]: 1 })));
  expect(counts.planned ?? 0).toBe(run.due);
  expect(counts.notDue ?? 0).toBe(run.notDue);
  expect(counts.skipped ?? 0).toBe(Object.values(run.skipped).reduce((a, b) => a + b, 0));
  expect(run.devices).toBe(rows.length);
  expect(rows.filter((row) => row.canary)).toHaveLength(run.canaries);
}

describe('planRun', () => {
  it('writes one row per device, in order, and says how many of which', async () => {
    const planning = world();
    const { run, rows } = await planFleet(planning);
    expect(run).toMatchObject({
      state: 'rotating',
      devices: 46,
      due: 15,
      canaries: 5,
      canaryPassed: false,
      keysListedAtMs: START_MS,
      skipped: {
        notEncrypted: 1,
        notWindows: 1,
        noEntraDeviceId: 1,
        duplicateRecord: 1,
        notSeenRecently: 1,
        excluded: 1,
        keyTooYoung: 1,
        overRunLimit: 8,
      },
    });
    await expectWhole(planning, run, rows);
    // Keys of five and a half to 175 days: the first is too young, those of up to 85 are not due.
    expect(run.notDue).toBe(16);
    const due = rows.filter((row) => row.state === 'planned');
    expect(new Set(due.filter((row) => row.keyBeforeId === undefined).map((row) => row.deviceName))).toEqual(
      new Set(['LT-36', 'LT-37', 'LT-38', 'LT-39', 'LT-40']),
    );
    const fleet = due.slice(5).map((row) => row.keyBeforeAtMs ?? 0);
    expect(fleet).toEqual(fleet.toSorted((a, b) => a - b));
  });

  it('keeps the settings that it went by, whoever carries the run on with others', async () => {
    const planning = world();
    const { run } = await planFleet(planning);
    expect(run.settings).toMatchObject({ exclude: ['KIOSK-*'], canaryDevices: 5, maxDevices: 15 });
    const later = { ...planning.deps().settings, maxDevices: 1, maxKeyAgeMs: DAY_MS };
    const { settings } = runDetails({ run, settings: later, version: '1.2.3', nowMs: START_MS });
    expect(settings).toEqual(run.settings);
  });

  it('goes straight to settling when nothing may or need be sent', async () => {
    const dry = world();
    const { run, rows } = await planFleet(dry, 'dryRun');
    expect(run).toMatchObject({ state: 'settling', mode: 'dryRun', due: 15 });
    await expectWhole(dry, run, rows);
    const nothing = await planFleet(createPlanning({ devices: [device(1)], keys: [key(1, 1, 30)] }));
    expect(nothing.run).toMatchObject({ state: 'settling', due: 0, notDue: 1 });
    const empty = await planFleet(createPlanning());
    expect(empty.run).toMatchObject({ state: 'settling', devices: 0 });
  });

  it('needs no canaries to pass when there are none', async () => {
    const planning = createPlanning({ devices: [device(1)] }, { ROTATION_CANARY_DEVICES: '0' });
    expect((await planFleet(planning)).run).toMatchObject({ canaries: 0, canaryPassed: true });
  });

  it('plans a fleet of several files: every device once, in one order over all files', async () => {
    const devices = Array.from({ length: 20_500 }, (_, i) => device(i + 1));
    const keys = devices.map((_, i) => key(i + 1, i + 1, 100 + ((i * 7919) % 20_500) / 100));
    const planning = createPlanning({ devices, keys }, { ROTATION_MAX_DEVICES: '15000' });
    const { run, rows } = await planFleet(planning);
    expect(run).toMatchObject({ devices: 20_500, due: 15_000, canaries: 20, rowsWritten: 20_500 });
    const fleet = rows.slice(20, 15_000).map((row) => row.keyBeforeAtMs ?? 0);
    expect(fleet.every((at, i) => i === 0 || (fleet[i - 1] ?? 0) <= at)).toBe(true);
    expect(new Set(rows.map((row) => row.managedDeviceId)).size).toBe(20_500);
  });

  it('reads nothing again once the plan is committed, even when the tenant has changed', async () => {
    const planning = world();
    const before = await planFleet(planning);
    const read = planning.pagesRead.length;
    const files = () => planning.workFiles.list(planPrefix(before.run.tenantId, before.run.runId));
    const filesBefore = await files();
    planning.tenant.devices = [];
    planning.tenant.keys = [];
    await planning.clock.run(() => planning.plan(planning.deps(), before.run.runId));
    expect(planning.pagesRead).toHaveLength(read);
    expect(await files()).toEqual(filesBefore);
    expect(await planning.rows(before.run.runId)).toEqual(before.rows);
    expect(await planning.run(before.run.runId)).toMatchObject({ due: 15, devices: 46 });
  });

  it('leaves rows that have moved on as they are', async () => {
    const planning = world();
    const { run, rows } = await planFleet(planning);
    const [first] = await planning.ledger.readRotations(run.runId, 0, 1);
    if (first === undefined) return expect.unreachable();
    await planning.ledger.writeRotations(run.runId, [{ ...first, value: { ...first.value, state: 'requested' } }]);
    await planning.clock.run(() => planning.plan(planning.deps(), run.runId));
    expect((await planning.rows(run.runId)).map((row) => row.state)).toEqual([
      'requested',
      ...rows.slice(1).map((row) => row.state),
    ]);
  });

  it('ends up with the same devices and counts when every page takes an invocation of its own', async () => {
    const planning = world({});
    planning.tenant.beforePage = () => planning.clock.sleep(1_000);
    const deps = planning.deps();
    const { run, rows, invocations } = await planning.clock.run(async () => {
      const { runId } = await planning.startFleet(deps);
      let n = 1;
      while (!(await planning.plan(deps, runId, { deadlineAtMs: planning.clock.nowMs() + 1 }))) {
        n += 1;
        // Deciding takes no time here; give it an invocation that has some.
        if (planning.pagesRead.length === 12) planning.tenant.beforePage = () => undefined;
      }
      return { run: await planning.run(runId), rows: await planning.rows(runId), invocations: n };
    });
    expect(invocations).toBeGreaterThanOrEqual(12);
    expect(new Set(planning.pagesRead).size).toBe(planning.pagesRead.length);
    await expectWhole(planning, run, rows);
    expect(run.due).toBe(15);
  });

  it('throws what Graph says, and goes on from there', async () => {
    const planning = world();
    planning.tenant.beforePage = (listing, from) => {
      if (listing === 'keys' && from === 14) throw new GraphError('unavailable', 'Graph is away');
    };
    const deps = planning.deps();
    await planning.clock.run(async () => {
      const { runId } = await planning.startFleet(deps);
      await expect(planning.plan(deps, runId)).rejects.toThrow('Graph is away');
      planning.tenant.beforePage = () => undefined;
      expect(await planning.plan(deps, runId)).toBe(true);
      await expectWhole(planning, await planning.run(runId), await planning.rows(runId));
    });
    expect(new Set(planning.pagesRead).size).toBe(planning.pagesRead.length);
  });
});

describe('planRun in a process that dies', () => {
  async function planWithCrash(dieAt: number) {
    const planning = world();
    const life = createLife(dieAt);
    const mortals = planning.deps({
      ledger: mortal(planning.ledger, life, 'ledger'),
      workFiles: mortal(planning.workFiles, life, 'workFiles'),
      clock: mortalClock(planning.clock, life),
    });
    let committed: Uint8Array | undefined;
    const run = await planning.clock.run(async () => {
      const { runId, tenantId } = await planning.startFleet(planning.deps());
      await planning.plan(mortals, runId).catch((error: unknown) => expect(error).toBeInstanceOf(ProcessDied));
      committed = await planning.workFiles.get(planIndexName(tenantId, runId));
      // The dead owner's lease runs out.
      await planning.clock.sleep(11_000);
      // What the successor is shown has changed meanwhile; a plan that is committed has not.
      if (committed !== undefined) planning.tenant.keys = [];
      expect(await planning.plan(planning.deps(), runId)).toBe(true);
      expect(await planning.workFiles.get(planIndexName(tenantId, runId))).toEqual(committed ?? expect.anything());
      return planning.run(runId);
    });
    return { planning, run, life, rows: await planning.rows(run.runId) };
  }

  it('at any step leaves a plan that its successor finishes: every device once, the same counts', async () => {
    const undisturbed = await planWithCrash(Number.POSITIVE_INFINITY);
    expect(undisturbed.life.steps).toBeGreaterThan(20);
    for (let dieAt = 1; dieAt <= undisturbed.life.steps; dieAt++) {
      const { planning, run, rows, life } = await planWithCrash(dieAt);
      expect(life.diedAt).toBeDefined();
      await expectWhole(planning, run, rows);
      expect(rows).toEqual(undisturbed.rows);
      expect({ due: run.due, notDue: run.notDue, skipped: run.skipped }).toEqual({
        due: undisturbed.run.due,
        notDue: undisturbed.run.notDue,
        skipped: undisturbed.run.skipped,
      });
    }
  });
});

describe('planRun by two owners', () => {
  it('commits nothing once the lease is lost', async () => {
    const planning = world();
    const deps = planning.deps();
    await planning.clock.run(async () => {
      const run = await planning.startFleet(deps);
      const answer = await takeLease(deps, run.runId);
      if (answer.kind !== 'leased') return expect.unreachable();
      planning.tenant.beforePage = async (listing, from) => {
        if (listing !== 'keys' || from !== 0) return;
        // Another owner took the run over while this one read.
        const found = await planning.ledger.readRun(run.runId);
        if (found !== undefined)
          await planning.ledger.writeRun({ ...found.value, leaseOwner: 'another' }, found.version);
      };
      const bounds = { deadlineAtMs: START_MS + 480_000, signal: new AbortController().signal };
      await expect(planRun(deps, answer.lease, bounds)).rejects.toThrow(LeaseLostError);
      const files = await planning.workFiles.list(planPrefix(run.tenantId, run.runId));
      expect(files).not.toContain(planIndexName(run.tenantId, run.runId));
      expect(await planning.rows(run.runId)).toEqual([]);
    });
  });
});

describe('planRun for targets', () => {
  it('plans the devices named, by either id, each once, due or not, without canaries', async () => {
    const planning = createPlanning({
      devices: [device(1), device(2), device(3)],
      keys: [key(1, 1, 1), key(2, 2, 0.01)],
    });
    const { run, rows } = await planTargets(planning, [
      { managedDeviceId: managedId(1) },
      { entraDeviceId: entraId(1) },
      { entraDeviceId: entraId(2) },
    ]);
    expect(run).toMatchObject({
      state: 'rotating',
      devices: 2,
      due: 1,
      canaries: 0,
      canaryPassed: true,
      skipped: { keyTooYoung: 1 },
    });
    expect(rows.map((row) => [row.deviceName, row.state])).toEqual([
      ['LT-1', 'planned'],
      ['LT-2', 'skipped'],
    ]);
    expect(planning.pagesRead).toEqual([]);
  });

  it('names the targets that are no device, outside the counts', async () => {
    const planning = createPlanning({ devices: [device(1)] });
    const { run } = await planTargets(planning, [
      { managedDeviceId: managedId(1) },
      { managedDeviceId: managedId(8) },
      { entraDeviceId: entraId(9) },
    ]);
    expect(run).toMatchObject({ devices: 1, due: 1 });
    expect(run.unresolved).toEqual([
      `managedDeviceId ${managedId(8)}: no such managed device`,
      `entraDeviceId ${entraId(9)}: no managed device has it`,
    ]);
  });

  it('is done at once when no target is a device', async () => {
    const { run } = await planTargets(createPlanning(), [{ entraDeviceId: entraId(9) }]);
    expect(run).toMatchObject({ state: 'settling', devices: 0, due: 0 });
  });

  it('counts the latest synced record of an Entra device', async () => {
    const planning = createPlanning({
      devices: [device(1, { lastSyncAtMs: START_MS - DAY_MS }), device(2, { entraDeviceId: entraId(1) })],
    });
    const { run, rows } = await planTargets(planning, [{ entraDeviceId: entraId(1) }]);
    expect(run).toMatchObject({ due: 1, skipped: { duplicateRecord: 1 } });
    expect(rows[0]).toMatchObject({ managedDeviceId: managedId(2), state: 'planned' });
  });

  it('keeps to the eligibility, the exclusions and the cap of every run', async () => {
    const planning = createPlanning(
      { devices: [device(1), device(2), device(3, { isEncrypted: false }), device(4, { deviceName: 'KIOSK-1' })] },
      { ROTATION_MAX_DEVICES: '1', ROTATION_EXCLUDE: 'KIOSK-*' },
    );
    const { run } = await planTargets(
      planning,
      [1, 2, 3, 4].map((n) => ({ managedDeviceId: managedId(n) })),
    );
    expect(run).toMatchObject({ due: 1, skipped: { overRunLimit: 1, notEncrypted: 1, excluded: 1 } });
  });

  it.each([
    ['none of the devices', [managedId(1), entraId(2)]],
    ['the keys of the only one', [entraId(1), entraId(2)]],
  ])('decides nothing while %s can be read', async (_what, ids) => {
    const planning = createPlanning({ devices: [device(1), device(2)], unreadable: new Set<string>(ids) });
    const targets = [{ managedDeviceId: managedId(1) }, { entraDeviceId: entraId(2) }];
    await planning.clock.run(async () => {
      const deps = planning.deps();
      const { runId } = await planning.startTargets(deps, targets);
      await expect(planning.plan(deps, runId)).rejects.toThrow(TargetUnreadableError);
      expect(await planning.rows(runId)).toEqual([]);
      planning.tenant.unreadable = new Set();
      expect(await planning.plan(deps, runId)).toBe(true);
      expect(await planning.run(runId)).toMatchObject({ due: 2 });
    });
  });
});
