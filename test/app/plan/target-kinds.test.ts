/** Every kind of target: which device it names, by which URL form it is asked, and in which words it is refused. */
import { describe, expect, it } from 'vitest';
import { TargetUnreadableError } from '../../../src/app/plan/refusal.ts';
import { startTargetedRun } from '../../../src/app/start-run.ts';
import { GraphError } from '../../../src/domain/graph-error.ts';
import { parseRunId } from '../../../src/domain/ids.ts';
import type { Run } from '../../../src/domain/run.ts';
import { type RotationTarget, SCRIPT_KINDS } from '../../../src/domain/targets.ts';
import type { ScriptRunState } from '../../../src/domain/tenant.ts';
import {
  createPlanning,
  device,
  entraId,
  HOUR_MS,
  type Holdings,
  managedId,
  planTargets,
  START_MS,
} from './planning.ts';

const runState = (n: number, of: number, isFailing = true): ScriptRunState => ({
  runStateId: `state-${n}`,
  isFailing,
  device: device(of),
});

/** Devices 1 to 9; device 7 has two records; two devices are called TWIN; Ann has four devices. */
function holdings(): Partial<Holdings> {
  return {
    devices: [
      ...Array.from({ length: 6 }, (_, i) => device(i + 1)),
      device(7, { lastSyncAtMs: START_MS - 5 * HOUR_MS }),
      device(17, { entraDeviceId: entraId(7), deviceName: 'LT-7' }),
      device(8, { deviceName: 'TWIN' }),
      device(9, { deviceName: 'TWIN', entraDeviceId: undefined }),
    ],
    names: {
      serialNumber: new Map([['5CG', [managedId(2)]]]),
      userPrincipalName: new Map([
        ['bob@contoso.com', [managedId(3)]],
        ['ann@contoso.com', [1, 2, 3, 4].map(managedId)],
      ]),
    },
    comanaged: new Set([managedId(4)]),
    scripts: new Map(
      SCRIPT_KINDS.map((kind) => [
        `${kind}/script-1`,
        [
          runState(1, 1, false),
          runState(2, 2),
          runState(3, 3),
          { runStateId: 'lost', isFailing: false },
          runState(4, 2),
        ] as const,
      ]),
    ),
  };
}

const deviceManagementScriptId = 'script-1';

describe('a target that names one device', () => {
  it.each<readonly [string, RotationTarget, number, unknown]>([
    ['managedDeviceId', { managedDeviceId: managedId(1) }, 1, undefined],
    ['entraDeviceId', { entraDeviceId: entraId(1) }, 1, undefined],
    ['deviceName', { deviceName: 'LT-1' }, 1, undefined],
    ['serialNumber', { serialNumber: '5CG' }, 2, undefined],
    ['userPrincipalName', { userPrincipalName: 'bob@contoso.com' }, 3, undefined],
    [
      'comanagedDeviceId',
      { comanagedDeviceId: managedId(4) },
      4,
      { via: 'comanagedDevice', managedDeviceId: managedId(4) },
    ],
    [
      'a health script’s run state',
      { deviceHealthScriptId: 'script-1', deviceRunStateId: 'state-2' },
      2,
      { via: 'deviceHealthScript', scriptId: 'script-1', deviceRunStateId: 'state-2' },
    ],
    [
      'a compliance script’s run state, failing or not',
      { deviceComplianceScriptId: 'script-1', deviceRunStateId: 'state-1' },
      1,
      { via: 'deviceComplianceScript', scriptId: 'script-1', deviceRunStateId: 'state-1' },
    ],
    [
      'a management script’s run state',
      { deviceManagementScriptId, deviceRunStateId: 'state-3' },
      3,
      { via: 'deviceManagementScript', scriptId: 'script-1', deviceRunStateId: 'state-3' },
    ],
    [
      'a user of a run state',
      { deviceManagementScriptId, deviceRunStateId: 'any', userId: 'u', managedDeviceId: managedId(5) },
      5,
      { via: 'scriptUser', scriptId: 'script-1', deviceRunStateId: 'any', userId: 'u', managedDeviceId: managedId(5) },
    ],
    [
      'a detected app of a run state',
      { deviceManagementScriptId, deviceRunStateId: 'any', detectedAppId: 'a', managedDeviceId: managedId(6) },
      6,
      {
        via: 'scriptDetectedApp',
        scriptId: 'script-1',
        deviceRunStateId: 'any',
        detectedAppId: 'a',
        managedDeviceId: managedId(6),
      },
    ],
  ])('by %s is planned, with the URL form it is asked by', async (_what, target, of, route) => {
    const { run, rows } = await planTargets(createPlanning(holdings()), [target]);
    expect(run).toMatchObject({ devices: 1, due: 1, canaries: 0 });
    expect(run.unresolved).toBeUndefined();
    expect(rows).toMatchObject([{ managedDeviceId: managedId(of), state: 'planned' }]);
    expect(rows[0]?.route).toEqual(route);
  });

  it('by a name that only its own records have is planned once; the older record is a duplicate', async () => {
    const { run, rows } = await planTargets(createPlanning(holdings()), [{ deviceName: 'LT-7' }]);
    expect(run).toMatchObject({ devices: 2, due: 1, skipped: { duplicateRecord: 1 } });
    expect(rows[0]).toMatchObject({ managedDeviceId: managedId(17), state: 'planned' });
  });

  it('is asked by the form of the first target that names it', async () => {
    const comanaged: RotationTarget = { comanagedDeviceId: managedId(4) };
    const plain: RotationTarget = { entraDeviceId: entraId(4) };
    const first = await planTargets(createPlanning(holdings()), [comanaged, plain, { deviceName: 'LT-4' }]);
    expect(first.rows).toMatchObject([{ route: { via: 'comanagedDevice' } }]);
    const second = await planTargets(createPlanning(holdings()), [plain, comanaged]);
    expect(second.rows).toHaveLength(1);
    expect(second.rows[0]?.route).toBeUndefined();
  });

  it('by the run states of several scripts is read script by script, the names kind by kind', async () => {
    const planning = createPlanning(holdings());
    await planTargets(planning, [
      { deviceHealthScriptId: 'script-1', deviceRunStateId: 'state-1' },
      { deviceName: 'LT-1' },
      { deviceHealthScriptId: 'script-1', deviceRunStateId: 'state-2' },
      { deviceComplianceScriptId: 'script-1', deviceRunStateId: 'state-2' },
      { deviceName: 'LT-2' },
      { deviceName: 'LT-1' },
    ]);
    expect(planning.batchesRead).toEqual([
      'deviceName 2',
      'deviceHealthScript/script-1 2',
      'deviceComplianceScript/script-1 1',
      'keys 2',
    ]);
  });
});

describe('a target that names no device', () => {
  it.each<readonly [string, RotationTarget]>([
    [`managedDeviceId ${managedId(99)}: no such managed device`, { managedDeviceId: managedId(99) }],
    [`entraDeviceId ${entraId(99)}: no managed device has it`, { entraDeviceId: entraId(99) }],
    ['deviceName LT-99: no managed device has it', { deviceName: 'LT-99' }],
    ['serialNumber 0: no managed device has it', { serialNumber: '0' }],
    ['userPrincipalName zoe@contoso.com: no managed device has it', { userPrincipalName: 'zoe@contoso.com' }],
    [`comanagedDeviceId ${managedId(1)}: no such co-managed device`, { comanagedDeviceId: managedId(1) }],
    [
      'deviceHealthScriptId script-1, deviceRunStateId state-9: no such run state',
      { deviceHealthScriptId: 'script-1', deviceRunStateId: 'state-9' },
    ],
    [
      'deviceComplianceScriptId none, deviceRunStateId state-1: no such run state',
      { deviceComplianceScriptId: 'none', deviceRunStateId: 'state-1' },
    ],
    [
      'deviceManagementScriptId script-1, deviceRunStateId lost: its device is no longer in Intune',
      { deviceManagementScriptId, deviceRunStateId: 'lost' },
    ],
    [
      `deviceManagementScriptId script-1, deviceRunStateId r, userId u, managedDeviceId ${managedId(99)}: no such managed device`,
      { deviceManagementScriptId, deviceRunStateId: 'r', userId: 'u', managedDeviceId: managedId(99) },
    ],
    [
      `deviceName TWIN: 2 managed devices match: TWIN (${managedId(8)}), TWIN (${managedId(9)})`,
      { deviceName: 'TWIN' },
    ],
    [
      `userPrincipalName ann@contoso.com: 4 managed devices match: LT-1 (${managedId(1)}), LT-2 (${managedId(2)}), LT-3 (${managedId(3)}) and 1 more`,
      { userPrincipalName: 'ann@contoso.com' },
    ],
    ['deviceHealthScriptId none: no such script', { deviceHealthScriptId: 'none', failing: true }],
    [
      'deviceHealthScriptId ../x, deviceRunStateId r: no request can name it: the value is empty or not one part of a path',
      { deviceHealthScriptId: '../x', deviceRunStateId: 'r' },
    ],
    [
      'deviceHealthScriptId a/b: no request can name it: the value is empty or not one part of a path',
      { deviceHealthScriptId: 'a/b', failing: true },
    ],
    ['deviceName "": no request can name it: the value is empty or not one part of a path', { deviceName: '' }],
  ])('is refused in words, and the rest goes on: %s', async (words, target) => {
    const { run, rows } = await planTargets(createPlanning(holdings()), [target, { deviceName: 'LT-5' }]);
    expect(run.unresolved).toEqual([words]);
    expect(run).toMatchObject({ devices: 1, due: 1 });
    expect(rows).toMatchObject([{ deviceName: 'LT-5', state: 'planned' }]);
  });

  it('is never asked about when no URL can be made of it', async () => {
    const planning = createPlanning(holdings());
    await planTargets(planning, [
      { deviceHealthScriptId: 'a/b', failing: true },
      { deviceHealthScriptId: 's', deviceRunStateId: '..' },
      { deviceManagementScriptId, deviceRunStateId: 'r', userId: 'u#', managedDeviceId: managedId(1) },
    ]);
    expect([...planning.batchesRead, ...planning.pagesRead]).toEqual([]);
  });

  it('is listed once however often it was named, in the order of the targets', async () => {
    const bad: RotationTarget = { deviceName: 'LT-99' };
    const worse: RotationTarget = { deviceHealthScriptId: 'none', failing: true };
    const { run } = await planTargets(createPlanning(holdings()), [worse, bad, worse, bad, { serialNumber: '0' }]);
    expect(run.unresolved?.map((words) => words.split(' ')[0])).toEqual([
      'deviceHealthScriptId',
      'deviceName',
      'serialNumber',
    ]);
  });

  it('among many is one of the hundred that the run names', async () => {
    const bad = Array.from({ length: 1_000 }, (_, i): RotationTarget => ({ deviceName: `NONE-${i}` }));
    const { run, rows } = await planTargets(createPlanning(holdings()), [...bad, { deviceName: 'LT-5' }]);
    expect(run.unresolved).toHaveLength(101);
    expect(run.unresolved?.[99]).toBe('deviceName NONE-99: no managed device has it');
    expect(run.unresolved?.at(-1)).toBe('and 900 more');
    expect(rows).toHaveLength(1);
  });
});

describe('ids with blanks in them', () => {
  it('name the devices they name, whatever else they could be read as', async () => {
    const scripts = new Map([
      ['deviceHealthScript/a', [{ ...runState(1, 1), runStateId: 'b c' }]],
      ['deviceHealthScript/a b', [{ ...runState(2, 2), runStateId: 'c' }]],
    ]);
    const { rows } = await planTargets(createPlanning({ ...holdings(), scripts }), [
      { deviceHealthScriptId: 'a', deviceRunStateId: 'b c' },
      { deviceHealthScriptId: 'a b', deviceRunStateId: 'c' },
    ]);
    expect(new Map(rows.map((row) => [row.managedDeviceId, row.route]))).toEqual(
      new Map([
        [managedId(1), { via: 'deviceHealthScript', scriptId: 'a', deviceRunStateId: 'b c' }],
        [managedId(2), { via: 'deviceHealthScript', scriptId: 'a b', deviceRunStateId: 'c' }],
      ]),
    );
  });
});

describe('a request that is not wanted at once', () => {
  it('is judged by its own time: a device last seen long before it is skipped', async () => {
    const planning = createPlanning(holdings());
    const deps = planning.deps();
    const rows = await planning.clock.run(async () => {
      const start = { trigger: 'onDemand', mode: 'live', targets: [{ deviceName: 'LT-1' }] } as const;
      const notBeforeMs = START_MS + 20 * 24 * HOUR_MS;
      const { run } = await startTargetedRun(deps, { ...start, runId: parseRunId('later'), notBeforeMs });
      await planning.clock.sleep(notBeforeMs - START_MS);
      await planning.plan(deps, run.runId);
      return planning.rows(run.runId);
    });
    expect(rows).toMatchObject([{ state: 'skipped', skipReason: 'notSeenRecently' }]);
  });
});

describe('a target that Graph cannot read', () => {
  const TARGETS: readonly (readonly [unreadable: string, RotationTarget])[] = [
    [managedId(1), { managedDeviceId: managedId(1) }],
    [entraId(1), { entraDeviceId: entraId(1) }],
    ['LT-1', { deviceName: 'LT-1' }],
    ['5CG', { serialNumber: '5CG' }],
    ['bob@contoso.com', { userPrincipalName: 'bob@contoso.com' }],
    [managedId(4), { comanagedDeviceId: managedId(4) }],
    ['state-2', { deviceHealthScriptId: 'script-1', deviceRunStateId: 'state-2' }],
  ];

  const NOW = /: Graph cannot read it now \(status 503\): ask again$/;

  it.each(TARGETS)('for now (%s) keeps nobody else waiting: it is refused at once', async (id, target) => {
    const planning = createPlanning({ ...holdings(), unreadable: new Set([id]) });
    const { run, rows } = await planTargets(planning, [target, { deviceName: 'LT-6' }]);
    expect(run).toMatchObject({ devices: 1, due: 1 });
    expect(run.unresolved).toEqual([expect.stringMatching(NOW)]);
    expect(rows).toMatchObject([{ deviceName: 'LT-6', state: 'planned' }]);
  });

  it.each(TARGETS)(
    'for now (%s) puts planning off when no other is ready, and is given up in words after an hour of tries',
    async (id, target) => {
      const planning = createPlanning({ ...holdings(), unreadable: new Set([id]) });
      const run = await planning.clock.run(async () => {
        const deps = planning.deps();
        const { runId } = await planning.startTargets(deps, [target, { deviceName: 'NONE' }]);
        for (let attempt = 0; attempt < 12; attempt++) {
          await expect(planning.plan(deps, runId)).rejects.toThrow(TargetUnreadableError);
          expect(await planning.rows(runId)).toEqual([]);
        }
        expect(await planning.plan(deps, runId)).toBe(true);
        return planning.run(runId);
      });
      expect(run).toMatchObject({ state: 'settling', devices: 0, due: 0 });
      expect(run.unresolved).toEqual([expect.stringMatching(NOW), 'deviceName NONE: no managed device has it']);
    },
  );

  const FAULTS = [
    [new GraphError('forbidden', 'no', { status: 403 }), '(status 403)', 0],
    [
      new GraphError('forbidden', 'no', { status: 403, missingRole: 'A.Read.All' }),
      "(status 403): the app's identity needs the Graph application role A.Read.All",
      0,
    ],
    [new GraphError('malformed', 'malformed at $: expected JSON'), '(malformed): ask again', 12],
    [new GraphError('untrustedLink', 'answered with 302'), '(untrustedLink): ask again', 12],
    [new GraphError('badRequest', 'no', { status: 400 }), '(status 400)', 0],
    [new GraphError('notFound', 'no', { status: 404 }), '(status 404)', 0],
  ] as const;
  const HEALTH: RotationTarget = { deviceHealthScriptId: 'script-1', deviceRunStateId: 'state-2' };
  const failing = (error: GraphError) =>
    createPlanning({
      ...holdings(),
      beforeBatch: (what) => {
        if (what === 'deviceHealthScript/script-1') throw error;
      },
    });

  it.each(FAULTS)(
    'nor any other of its script, which is %o: they are refused, the rest goes on',
    async (error, words) => {
      const other: RotationTarget = { deviceHealthScriptId: 'script-1', deviceRunStateId: 'state-3' };
      const { run, rows } = await planTargets(failing(error), [HEALTH, { deviceName: 'LT-6' }, other]);
      const script = 'deviceHealthScriptId script-1, deviceRunStateId';
      expect(run.unresolved).toEqual([
        `${script} state-2: Graph cannot read it ${words}`,
        `${script} state-3: Graph cannot read it ${words}`,
      ]);
      expect(rows).toMatchObject([{ deviceName: 'LT-6', state: 'planned' }]);
    },
  );

  it.each(FAULTS)('alone, %o, is waited for while that may pass, and never for ever', async (error, words, tries) => {
    const planning = failing(error);
    const deps = planning.deps();
    await planning.clock.run(async () => {
      const { runId } = await planning.startTargets(deps, [HEALTH]);
      for (let attempt = 0; attempt < tries; attempt++)
        await expect(planning.plan(deps, runId)).rejects.toThrow(TargetUnreadableError);
      expect(await planning.plan(deps, runId)).toBe(true);
      expect((await planning.run(runId)).unresolved).toEqual([
        expect.stringContaining(`Graph cannot read it ${words}`),
      ]);
    });
  });

  it('because nothing can be read is waited for as long as that lasts, and as long as Graph asks', async () => {
    const error = new GraphError('unavailable', 'Graph is away', { status: 503, retryAfterMs: 900_000 });
    const planning = createPlanning({
      ...holdings(),
      beforeBatch: () => {
        throw error;
      },
    });
    const deps = planning.deps();
    await planning.clock.run(async () => {
      const { runId } = await planning.startTargets(deps, [HEALTH, { deviceName: 'LT-6' }]);
      for (let attempt = 0; attempt < 40; attempt++)
        await expect(planning.plan(deps, runId)).rejects.toMatchObject({ retryAfterMs: 900_000 });
      planning.tenant.beforeBatch = () => undefined;
      expect(await planning.plan(deps, runId)).toBe(true);
      expect(await planning.run(runId)).toMatchObject({ devices: 2, due: 2 });
    });
  });

  it.each(['throttled', 'unauthorized'] as const)('since every read is %s is for another time', async (kind) => {
    const planning = failing(new GraphError(kind, 'not now'));
    const deps = planning.deps();
    await planning.clock.run(async () => {
      const { runId } = await planning.startTargets(deps, [HEALTH, { deviceName: 'LT-6' }]);
      await expect(planning.plan(deps, runId)).rejects.toThrow('not now');
      expect(await planning.rows(runId)).toEqual([]);
    });
  });

  it.each(TARGETS)('at all (%s) is refused at once', async (id, target) => {
    const planning = createPlanning({ ...holdings(), unreadable: new Set([id]), unreadableStatus: 400 });
    const { run } = await planTargets(planning, [target, { deviceName: 'LT-6' }]);
    expect(run).toMatchObject({ devices: 1, due: 1 });
    expect(run.unresolved).toEqual([expect.stringMatching(/: Graph cannot read it \(status 400\)$/)]);
  });

  it('for now is waited for, however often planning was handed over before', async () => {
    const planning = createPlanning({ ...holdings(), unreadable: new Set(['LT-1']) });
    const run: Run = await planning.clock.run(async () => {
      const deps = planning.deps();
      const { runId } = await planning.startTargets(deps, [{ deviceName: 'LT-1' }]);
      const stored = await planning.ledger.readRun(runId);
      if (stored === undefined) return expect.unreachable();
      await planning.ledger.writeRun({ ...stored.value, checkpoint: 40 }, stored.version);
      await expect(planning.plan(deps, runId)).rejects.toThrow(TargetUnreadableError);
      planning.tenant.unreadable = new Set();
      expect(await planning.plan(deps, runId)).toBe(true);
      return planning.run(runId);
    });
    expect(run).toMatchObject({ due: 1 });
    expect(run.unresolved).toBeUndefined();
  });
});

describe('a long list of ids', () => {
  const ids = (count: number): readonly RotationTarget[] =>
    Array.from({ length: count }, (_, i) =>
      i % 2 === 0 ? { managedDeviceId: managedId(i + 1) } : { entraDeviceId: entraId(i + 1) },
    );

  it('is picked out of the listing of all devices; names, scripts and refusals keep their places', async () => {
    const devices = Array.from({ length: 700 }, (_, i) => device(i + 1));
    const scripts = new Map([['deviceHealthScript/script-1', [runState(1, 650), runState(2, 2)]]]);
    const planning = createPlanning({ devices, scripts, comanaged: new Set([managedId(1), managedId(660)]) });
    const { run, rows } = await planTargets(planning, [
      { comanagedDeviceId: managedId(1) },
      ...ids(600),
      { managedDeviceId: managedId(999) },
      { deviceName: 'NONE' },
      { entraDeviceId: entraId(998) },
      { comanagedDeviceId: managedId(660) },
      { deviceHealthScriptId: 'script-1', failing: true },
    ]);
    expect(run).toMatchObject({ devices: 602, due: 602 });
    expect(run.unresolved).toEqual([
      `managedDeviceId ${managedId(999)}: no such managed device`,
      'deviceName NONE: no managed device has it',
      `entraDeviceId ${entraId(998)}: no managed device has it`,
    ]);
    const routes = rows.flatMap((row) => (row.route === undefined ? [] : [[row.deviceName, row.route.via]]));
    expect(new Map(routes as [string, string][])).toEqual(
      new Map([
        ['LT-1', 'comanagedDevice'],
        ['LT-660', 'comanagedDevice'],
        ['LT-650', 'deviceHealthScript'],
      ]),
    );
    expect(planning.batchesRead).toEqual(['comanaged 2', 'deviceName 1']);
  });

  it.each([100, 5_001])('of %i knows what the ledger holds of each', async (count) => {
    const planning = createPlanning({ devices: Array.from({ length: count }, (_, i) => device(i + 1)) });
    const record = {
      entraDeviceId: entraId(7),
      managedDeviceId: managedId(7),
      lastRequestAtMs: START_MS - 0.5 * HOUR_MS,
    };
    await planning.ledger.writeDevices([{ record, version: undefined }]);
    const { run, rows } = await planTargets(planning, ids(count));
    expect(run).toMatchObject({ devices: count, due: count - 1, skipped: { keyTooYoung: 1 } });
    expect(rows.at(-1)).toMatchObject({ managedDeviceId: managedId(7), skipReason: 'keyTooYoung' });
  });
});
