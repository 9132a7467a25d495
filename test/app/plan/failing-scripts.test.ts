/** Targets that name every device a script fails on: listed in chunks, whatever interrupts, and told in words when there is nothing to list. */
import { describe, expect, it } from 'vitest';
import { planPrefix } from '../../../src/app/plan/plan-files.ts';
import { TargetUnreadableError } from '../../../src/app/plan/refusal.ts';
import { GraphError } from '../../../src/domain/graph-error.ts';
import type { Rotation } from '../../../src/domain/rotation.ts';
import type { RotationTarget } from '../../../src/domain/targets.ts';
import type { ScriptRunState } from '../../../src/domain/tenant.ts';
import { createLife, mortal, mortalClock } from '../../support/mortal.ts';
import { createPlanning, device, type Holdings, key, managedId, type Planning, planTargets } from './planning.ts';

const HEALTH = 'deviceHealthScript/script-1';
const FAILING: RotationTarget = { deviceHealthScriptId: 'script-1', failing: true };
const COMPLIANCE: RotationTarget = { deviceComplianceScriptId: 'script-1', failing: true };

/** One run state for each of so many devices; every third fails. */
const states = (count: number): readonly ScriptRunState[] =>
  Array.from({ length: count }, (_, i) => ({
    runStateId: `state-${i + 1}`,
    isFailing: (i + 1) % 3 === 0,
    device: device(i + 1),
  }));

function holdings(count: number, changes: Partial<Holdings> = {}): Partial<Holdings> {
  return {
    devices: Array.from({ length: count }, (_, i) => device(i + 1)),
    keys: Array.from({ length: count }, (_, i) => key(i + 1, i + 1, 100 + i)),
    scripts: new Map([[HEALTH, states(count)]]),
    pageSize: 10,
    ...changes,
  };
}

const failingOf = (count: number) => Array.from({ length: Math.floor(count / 3) }, (_, i) => 3 * (i + 1));

/** Every failing device once, by the run state that names it, with its key. */
function expectWhole(rows: readonly Rotation[], count: number): void {
  const numbers = failingOf(count);
  expect(rows.map((row) => row.managedDeviceId).sort()).toEqual(numbers.map(managedId).sort());
  for (const n of numbers) {
    const row = rows.find((one) => one.managedDeviceId === managedId(n));
    expect(row).toMatchObject({
      state: 'planned',
      route: { via: 'deviceHealthScript', scriptId: 'script-1', deviceRunStateId: `state-${n}` },
      keyCount: 1,
    });
  }
}

describe('a script that fails on devices', () => {
  it('names each of them, by its run state, and no others', async () => {
    const planning = createPlanning(holdings(95));
    const { run, rows } = await planTargets(planning, [FAILING]);
    expect(run).toMatchObject({ state: 'rotating', devices: 31, due: 31, canaries: 0, canaryPassed: true });
    expect(run.unresolved).toBeUndefined();
    expectWhole(rows, 95);
  });

  it('gives way to targets that named the device before, and goes before those that do later', async () => {
    const scripts = new Map([
      [HEALTH, states(9)],
      ['deviceComplianceScript/script-1', states(9)],
    ]);
    const { rows } = await planTargets(createPlanning(holdings(9, { scripts })), [
      { deviceName: 'LT-3' },
      FAILING,
      { managedDeviceId: managedId(6) },
      COMPLIANCE,
    ]);
    const routes = new Map(rows.map((row) => [row.deviceName, row.route?.via]));
    expect(routes).toEqual(
      new Map([
        ['LT-3', undefined],
        ['LT-6', 'deviceHealthScript'],
        ['LT-9', 'deviceHealthScript'],
      ]),
    );
  });

  it('asks no more devices than a run may; the others are skipped in words', async () => {
    const planning = createPlanning(holdings(60), { ROTATION_MAX_DEVICES: '5' });
    const { run } = await planTargets(planning, [FAILING]);
    expect(run).toMatchObject({ devices: 20, due: 5, skipped: { overRunLimit: 15 } });
  });

  it('has the keys of some devices read by device, and those of many from the listing of all', async () => {
    const some = createPlanning(holdings(1_500, { pageSize: 1_000 }));
    expectWhole((await planTargets(some, [FAILING])).rows, 1_500);
    expect(some.batchesRead).toEqual(['keys 500']);
    expect(some.pagesRead).toEqual([`${HEALTH} 0`, `${HEALTH} 1000`]);
    const many = createPlanning(holdings(1_503, { pageSize: 1_000 }));
    expectWhole((await planTargets(many, [FAILING])).rows, 1_503);
    expect(many.batchesRead).toEqual([]);
    expect(many.pagesRead).toEqual([`${HEALTH} 0`, `${HEALTH} 1000`, 'keys 0', 'keys 1000']);
  });

  it('is told when it fails on none, and when Intune no longer knows those it fails on', async () => {
    const gone: ScriptRunState = { runStateId: 'gone', isFailing: true };
    const passing: ScriptRunState = { runStateId: 'ok', isFailing: false };
    const unresolved = async (of: readonly ScriptRunState[]) =>
      (await planTargets(createPlanning(holdings(3, { scripts: new Map([[HEALTH, of]]), pageSize: 1 })), [FAILING]))
        .run;
    const what = 'deviceHealthScriptId script-1';
    expect(await unresolved([])).toMatchObject({ devices: 0, unresolved: [`${what}: no device is failing`] });
    expect(await unresolved([passing, passing])).toMatchObject({ unresolved: [`${what}: no device is failing`] });
    expect(await unresolved([gone, passing])).toMatchObject({
      devices: 0,
      unresolved: [`${what}: a failing device is no longer in Intune`],
    });
    expect(await unresolved([gone, ...states(3), gone])).toMatchObject({
      devices: 1,
      unresolved: [`${what}: 2 failing devices are no longer in Intune`],
    });
  });

  it('counts what Intune no longer knows once, over any number of chunks', async () => {
    const of: readonly ScriptRunState[] = [{ runStateId: 'gone', isFailing: true }, ...states(25_000)];
    const planning = createPlanning(holdings(3, { scripts: new Map([[HEALTH, of]]), pageSize: 1_000 }));
    const { run } = await planTargets(planning, [FAILING]);
    expect(run).toMatchObject({
      devices: 8_333,
      unresolved: ['deviceHealthScriptId script-1: a failing device is no longer in Intune'],
    });
  });

  it('asks a device by the plain form when no URL can hold the run state’s id', async () => {
    const odd = { runStateId: 'a/b', isFailing: true, device: device(1) };
    const { rows } = await planTargets(createPlanning(holdings(1, { scripts: new Map([[HEALTH, [odd]]]) })), [FAILING]);
    expect(rows).toMatchObject([{ managedDeviceId: managedId(1), state: 'planned' }]);
    expect(rows[0]?.route).toBeUndefined();
  });
});

/** As it is for one invocation after another. */
async function planInSteps(planning: Planning, targets: readonly RotationTarget[], step: () => void | Promise<void>) {
  const deps = planning.deps();
  return planning.clock.run(async () => {
    const { runId } = await planning.startTargets(deps, targets);
    let invocations = 1;
    while (!(await planning.plan(deps, runId, { deadlineAtMs: planning.clock.nowMs() + 1 }))) {
      invocations += 1;
      await step();
    }
    return { invocations, run: await planning.run(runId), rows: await planning.rows(runId) };
  });
}

describe('the listing of run states', () => {
  it('goes on where the last invocation ended, and reads no page twice', async () => {
    const planning = createPlanning(holdings(95));
    planning.tenant.beforePage = () => planning.clock.sleep(1_000);
    const { invocations, rows, run } = await planInSteps(planning, [FAILING, { deviceName: 'LT-1' }], () => {
      if (planning.pagesRead.length === 10) planning.tenant.beforePage = () => undefined;
    });
    expect(invocations).toBeGreaterThanOrEqual(10);
    expect(planning.pagesRead).toEqual(Array.from({ length: 10 }, (_, i) => `${HEALTH} ${10 * i}`));
    expect(run).toMatchObject({ devices: 32 });
    expectWhole(
      rows.filter((row) => row.deviceName !== 'LT-1'),
      95,
    );
  });

  it('goes on with the page that failed', async () => {
    const planning = createPlanning(holdings(95));
    planning.tenant.beforePage = (_listing, from) => {
      if (from === 50) throw new GraphError('unavailable', 'Graph is away', { status: 503 });
    };
    const deps = planning.deps();
    await planning.clock.run(async () => {
      const { runId } = await planning.startTargets(deps, [FAILING]);
      await expect(planning.plan(deps, runId)).rejects.toThrow(TargetUnreadableError);
      planning.tenant.beforePage = () => undefined;
      expect(await planning.plan(deps, runId)).toBe(true);
      expectWhole(await planning.rows(runId), 95);
    });
    expect(new Set(planning.pagesRead).size).toBe(planning.pagesRead.length);
  });

  /** Graph is away when the listing has come half way. */
  function endless() {
    const planning = createPlanning(holdings(95));
    planning.tenant.beforePage = (listing, from) => {
      if (listing === HEALTH && from === 50) throw new GraphError('unavailable', 'Graph is away', { status: 503 });
    };
    return planning;
  }
  const STOPPED = 'deviceHealthScriptId script-1: Graph stopped listing its run states now (status 503): ask again';

  it('that Graph never ends is given up after an hour of tries: what it named is asked for, the rest is told', async () => {
    const planning = endless();
    const deps = planning.deps();
    await planning.clock.run(async () => {
      const { runId } = await planning.startTargets(deps, [FAILING]);
      for (let attempt = 0; attempt < 12; attempt++)
        await expect(planning.plan(deps, runId)).rejects.toThrow(TargetUnreadableError);
      expect(await planning.plan(deps, runId)).toBe(true);
      expect(await planning.run(runId)).toMatchObject({ devices: 16, unresolved: [STOPPED] });
    });
  });

  it('that Graph does not end keeps nobody else waiting: what it named is asked for with them', async () => {
    const { run } = await planTargets(endless(), [FAILING, { deviceName: 'LT-1' }]);
    expect(run).toMatchObject({ devices: 17, unresolved: [STOPPED] });
  });

  it('begins anew, once, when Graph no longer takes the place it had reached', async () => {
    const planning = createPlanning(holdings(95));
    let faults = 2;
    planning.tenant.beforePage = (_listing, from) => {
      if (from === 50 && faults-- > 0) throw new GraphError('badRequest', 'that link is too old', { status: 400 });
    };
    // Read in one go, the link failed in the middle, and so did the saved one: that is no reason to give the script up.
    const { run, rows } = await planTargets(planning, [FAILING]);
    expectWhole(rows, 95);
    expect(run.unresolved).toBeUndefined();
    expect(planning.pagesRead.filter((page) => page === `${HEALTH} 0`)).toHaveLength(2);
  });

  it.each([
    ['notFound', 404, 'no such script'],
    ['badRequest', 400, 'Graph cannot list its run states (status 400)'],
  ] as const)('that Graph refuses as %s is told, and the rest goes on', async (kind, status, words) => {
    const planning = createPlanning(holdings(30));
    planning.tenant.beforePage = (listing) => {
      if (listing === HEALTH) throw new GraphError(kind, 'no', { status });
    };
    const { run } = await planTargets(planning, [FAILING, { deviceName: 'LT-1' }]);
    expect(run).toMatchObject({ devices: 1, due: 1, unresolved: [`deviceHealthScriptId script-1: ${words}`] });
  });

  it('of a script that is deleted meanwhile is no listing: nothing it named is asked for', async () => {
    const planning = createPlanning(holdings(95));
    planning.tenant.beforePage = () => planning.clock.sleep(1_000);
    const { run } = await planInSteps(planning, [FAILING, { deviceName: 'LT-1' }], () => {
      if (planning.pagesRead.length !== 4) return;
      planning.tenant.beforePage = () => undefined;
      planning.tenant.scripts = new Map();
    });
    expect(run).toMatchObject({ devices: 1, unresolved: ['deviceHealthScriptId script-1: no such script'] });
  });

  it.each(['throttled', 'unauthorized'] as const)('that is %s concerns every read: that is thrown', async (kind) => {
    const planning = createPlanning(holdings(30));
    planning.tenant.beforePage = () => {
      throw new GraphError(kind, `Graph says ${kind}`);
    };
    const deps = planning.deps();
    await planning.clock.run(async () => {
      const { runId } = await planning.startTargets(deps, [FAILING, { deviceName: 'LT-1' }]);
      for (let attempt = 0; attempt < 15; attempt++)
        await expect(planning.plan(deps, runId)).rejects.toThrow(`Graph says ${kind}`);
    });
  });

  const SCRIPT_ROLE = 'DeviceManagementScripts.Read.All';
  it.each([
    [new GraphError('forbidden', 'no', { status: 403 }), '(status 403)', 0],
    [
      new GraphError('forbidden', 'no', { status: 403, missingRole: SCRIPT_ROLE }),
      `(status 403): the app's identity needs the Graph application role ${SCRIPT_ROLE}`,
      0,
    ],
    [new GraphError('malformed', 'malformed at $: expected JSON'), '(malformed): ask again', 12],
    [new GraphError('untrustedLink', 'it leaves the Graph host'), '(untrustedLink): ask again', 12],
    [new GraphError('unavailable', 'Graph is away'), 'now (no answer): ask again', 12],
  ] as const)(
    'that Graph answers with %o is told, and the rest goes on; alone it is waited for while that may pass, and never for ever',
    async (error, words, tries) => {
      const told = `deviceHealthScriptId script-1: Graph cannot list its run states ${words}`;
      const create = () => {
        const planning = createPlanning(holdings(30));
        planning.tenant.beforePage = (listing) => {
          if (listing === HEALTH) throw error;
        };
        return planning;
      };
      const { run } = await planTargets(create(), [FAILING, { deviceName: 'LT-1' }]);
      expect(run).toMatchObject({ devices: 1, due: 1, unresolved: [told] });

      const alone = create();
      const deps = alone.deps();
      await alone.clock.run(async () => {
        const { runId } = await alone.startTargets(deps, [FAILING]);
        for (let attempt = 0; attempt < tries; attempt++)
          await expect(alone.plan(deps, runId)).rejects.toThrow(TargetUnreadableError);
        expect(await alone.plan(deps, runId)).toBe(true);
        expect(await alone.run(runId)).toMatchObject({ state: 'settling', devices: 0, unresolved: [told] });
      });
    },
  );

  it('leaves nothing behind that is not deleted with the run', async () => {
    const planning = createPlanning({
      ...holdings(30),
      scripts: new Map([[HEALTH, []]]),
      unreadable: new Set(['LT-1']),
    });
    const deps = planning.deps();
    const all = await planning.clock.run(async () => {
      const { runId, tenantId } = await planning.startTargets(deps, [FAILING, { deviceName: 'LT-1' }]);
      await planning.plan(deps, runId).catch((error: unknown) => expect(error).toBeInstanceOf(TargetUnreadableError));
      planning.tenant.unreadable = new Set();
      await planning.plan(deps, runId);
      await planning.workFiles.deleteAll(planPrefix(tenantId, runId));
      return planning.workFiles.list('');
    });
    expect(all).toEqual([]);
  });
});

describe('planning for targets in a process that dies', () => {
  const TARGETS: readonly RotationTarget[] = [
    { deviceName: 'LT-1' },
    FAILING,
    { deviceName: 'NONE' },
    { comanagedDeviceId: managedId(2) },
    COMPLIANCE,
  ];

  /** Pages that fail, so that chunks of several pages are saved; then the process dies at that step. */
  async function planWithCrash(dieAt: number) {
    const planning = createPlanning(
      holdings(30, {
        scripts: new Map([
          [HEALTH, [...states(30), { runStateId: 'gone', isFailing: true }]],
          ['deviceComplianceScript/script-1', states(12)],
        ]),
        comanaged: new Set([managedId(2)]),
      }),
    );
    const life = createLife(dieAt);
    const faulty = new Set([`${HEALTH} 20`, 'deviceComplianceScript/script-1 10']);
    planning.tenant.beforePage = (listing, from) => {
      if (faulty.delete(`${listing} ${from}`)) throw new GraphError('throttled', 'no time left');
    };
    const mortals = planning.deps({
      ledger: mortal(planning.ledger, life, 'ledger'),
      workFiles: mortal(planning.workFiles, life, 'workFiles'),
      clock: mortalClock(planning.clock, life),
    });
    const runId = await planning.clock.run(async () => {
      const run = await planning.startTargets(planning.deps(), TARGETS);
      for (const deps of [mortals, mortals, mortals, planning.deps(), planning.deps(), planning.deps()]) {
        const isDone = await planning.plan(deps, run.runId).catch((error: unknown) => {
          if (!life.isDead()) expect(error).toBeInstanceOf(GraphError);
          return false;
        });
        // A dead owner's lease runs out.
        await planning.clock.sleep(11_000);
        if (isDone && deps !== mortals) break;
      }
      return run.runId;
    });
    return { planning, life, run: await planning.run(runId), rows: await planning.rows(runId) };
  }

  it('at any step leaves a plan that its successor finishes: every device once, every refusal told', async () => {
    const undisturbed = await planWithCrash(Number.POSITIVE_INFINITY);
    expect(undisturbed.run).toMatchObject({ state: 'rotating', devices: 12, due: 12 });
    expect(undisturbed.run.unresolved).toEqual([
      'deviceHealthScriptId script-1: a failing device is no longer in Intune',
      'deviceName NONE: no managed device has it',
    ]);
    expect(undisturbed.life.steps).toBeGreaterThan(60);
    for (let dieAt = 1; dieAt <= undisturbed.life.steps; dieAt++) {
      const { rows, run, life } = await planWithCrash(dieAt);
      expect(life.diedAt).toBeDefined();
      expect(rows).toEqual(undisturbed.rows);
      expect({ due: run.due, devices: run.devices, unresolved: run.unresolved, state: run.state }).toEqual({
        due: undisturbed.run.due,
        devices: undisturbed.run.devices,
        unresolved: undisturbed.run.unresolved,
        state: undisturbed.run.state,
      });
    }
  });
});
