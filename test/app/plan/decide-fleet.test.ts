import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type DecisionRules,
  decideFleet,
  noKnownDevices,
  noteDevice,
  readKnownDevices,
} from '../../../src/app/plan/decide-fleet.ts';
import { encodeDevices } from '../../../src/app/plan/device-records.ts';
import { createFleet, type Fleet } from '../../../src/app/plan/fleet.ts';
import { encodeKeys } from '../../../src/app/plan/key-records.ts';
import type { PlannedRotation } from '../../../src/app/plan/plan-rows.ts';
import type { ActionState } from '../../../src/domain/action-result.ts';
import type { Claim, DeviceRecord } from '../../../src/domain/device-record.ts';
import { ON_DEMAND_FLOOR_MS } from '../../../src/domain/due.ts';
import { parseRunId } from '../../../src/domain/ids.ts';
import type { ManagedDevice } from '../../../src/domain/managed-device.ts';
import type { RecoveryKey } from '../../../src/domain/recovery-key.ts';
import type { RotationState } from '../../../src/domain/rotation.ts';
import { createPlanning, DAY_MS, device, entraId, HOUR_MS, key, keyId, managedId, START_MS } from './planning.ts';

const RULES: DecisionRules = {
  nowMs: START_MS,
  minKeyAgeMs: 7 * DAY_MS,
  maxKeyAgeMs: 90 * DAY_MS,
  priority: 'bulk',
  maxDevices: 10_000,
  canaryDevices: 20,
  seed: 42,
};

function fleetOf(devices: readonly ManagedDevice[], keys: readonly RecoveryKey[] = []): Fleet {
  const body = encodeDevices(devices, { nowMs: START_MS, seenWithinMs: 14 * DAY_MS, isExcluded: () => false });
  const fleet = createFleet([{ header: { count: devices.length, startedAtMs: 0 }, body }]);
  fleet.addKeys({ header: { count: keys.length, startedAtMs: 0 }, body: encodeKeys(keys) });
  return fleet;
}

interface Ledgered {
  readonly n: number;
  readonly askedDaysAgo: number;
  readonly lastState?: RotationState;
  /** What the pending claim's action has become; absent: no claim. */
  readonly pending?: ActionState;
  /** Never asked: all the ledger knows is that a key was put into escrow. */
  readonly imported?: true;
}

function recordOf({ n, askedDaysAgo, lastState, pending, imported }: Ledgered): DeviceRecord {
  if (imported) return { entraDeviceId: entraId(n), importedKeyIds: [keyId(n)], importUntilMs: START_MS - 1 };
  const askedAtMs = START_MS - askedDaysAgo * DAY_MS;
  const claim: Claim = {
    runId: parseRunId('earlier'),
    order: 0,
    attempt: 0,
    token: 't',
    claimedAtMs: askedAtMs,
    sendByMs: askedAtMs + 120_000,
    pending: { sinceMs: askedAtMs, acceptedAfterMs: askedAtMs, acceptedByMs: askedAtMs + 1_000 },
  };
  return {
    entraDeviceId: entraId(n),
    managedDeviceId: managedId(n),
    lastRequestAtMs: askedAtMs,
    ...(lastState === undefined ? {} : { lastState }),
    ...(pending === undefined ? {} : { claim }),
  };
}

async function decide(
  devices: readonly ManagedDevice[],
  keys: readonly RecoveryKey[],
  rules: Partial<DecisionRules> = {},
  ledgered: readonly Ledgered[] = [],
) {
  const world = createPlanning({
    actions: new Map(
      ledgered.map(({ n, askedDaysAgo, pending = 'pending' }) => {
        const startedAtMs = START_MS - askedDaysAgo * DAY_MS;
        return [
          managedId(n),
          { kind: 'found', value: [{ state: pending, startedAtMs, lastUpdatedAtMs: startedAtMs }] },
        ];
      }),
    ),
  });
  await world.ledger.writeDevices(ledgered.map((one) => ({ record: recordOf(one), version: undefined })));
  const fleet = fleetOf(devices, keys);
  const bounds = { deadlineAtMs: START_MS + 480_000, signal: new AbortController().signal };
  const known = await readKnownDevices(world.deps(), bounds, fleet);
  if (known === undefined) throw new Error('the invocation ended first');
  const decision = await decideFleet(world.deps(), bounds, fleet, { ...RULES, ...rules }, known);
  return { decision, rows: [...decision.rows()], fleet };
}

const names = (rows: readonly PlannedRotation[], state: PlannedRotation['state'] = 'planned') =>
  rows.filter((row) => row.state === state).map((row) => row.deviceName);
const reasonOf = (rows: readonly PlannedRotation[], n: number) =>
  rows.find((row) => row.managedDeviceId === managedId(n))?.skipReason ??
  rows.find((row) => row.managedDeviceId === managedId(n))?.state;

const fleet = (count: number) => Array.from({ length: count }, (_, i) => device(i + 1));

describe('the order of a run', () => {
  it('is no key first, then oldest key first', async () => {
    const keys = [key(1, 1, 100), key(2, 2, 300), key(3, 4, 200)];
    const { rows } = await decide(fleet(4), keys, { canaryDevices: 0 });
    expect(names(rows)).toEqual(['LT-3', 'LT-2', 'LT-4', 'LT-1']);
  });

  it('puts devices whose last rotation did not succeed last, however old their key', async () => {
    const keys = [key(1, 1, 100), key(2, 2, 300), key(3, 3, 200), key(4, 4, 400)];
    const { rows } = await decide(fleet(5), keys, { canaryDevices: 0 }, [
      { n: 2, askedDaysAgo: 30, lastState: 'failed' },
      { n: 3, askedDaysAgo: 120, lastState: 'proven' },
      { n: 4, askedDaysAgo: 8, lastState: 'refused' },
      { n: 5, askedDaysAgo: 9 },
    ]);
    expect(names(rows)).toEqual(['LT-3', 'LT-1', 'LT-5', 'LT-4', 'LT-2']);
  });

  it('is not changed by keys that were put into escrow: their devices were never asked', async () => {
    const keys = [key(1, 1, 100), key(2, 2, 300), key(3, 3, 200)];
    const imported = [
      { n: 2, askedDaysAgo: 0, imported: true },
      { n: 3, askedDaysAgo: 0, imported: true },
    ] as const;
    const { rows, decision } = await decide(fleet(3), keys, { canaryDevices: 3 }, imported);
    expect(names(rows.filter((row) => row.canary)).sort()).toEqual(['LT-1', 'LT-2', 'LT-3']);
    expect(decision).toMatchObject({ due: 3, canaries: 3, skipped: {} });
    const { rows: ordered } = await decide(fleet(3), keys, { canaryDevices: 0 }, imported);
    expect(names(ordered)).toEqual(['LT-2', 'LT-3', 'LT-1']);
  });

  it('puts a device whose pending rotation turned out to be proven among the sound ones', async () => {
    const keys = [key(1, 1, 100), key(2, 2, 95)];
    const { rows } = await decide(fleet(2), keys, { canaryDevices: 0 }, [
      { n: 1, askedDaysAgo: 101, lastState: 'overdue', pending: 'pending' },
    ]);
    expect(names(rows)).toEqual(['LT-1', 'LT-2']);
  });
});

describe('the cap', () => {
  it('keeps the head of the order; the rest is skipped by name', async () => {
    const keys = [key(1, 1, 100), key(2, 2, 300), key(3, 3, 200)];
    const { decision, rows } = await decide(fleet(3), keys, { maxDevices: 2 });
    expect(names(rows).sort()).toEqual(['LT-2', 'LT-3']);
    expect(reasonOf(rows, 1)).toBe('overRunLimit');
    expect(decision).toMatchObject({ due: 2, skipped: { overRunLimit: 1 } });
  });

  it('is not eaten by broken devices', async () => {
    const { rows } = await decide(fleet(3), [key(1, 1, 300), key(2, 2, 200), key(3, 3, 100)], { maxDevices: 1 }, [
      { n: 1, askedDaysAgo: 8, lastState: 'failed' },
      { n: 2, askedDaysAgo: 2, lastState: 'failed' },
    ]);
    expect(names(rows)).toEqual(['LT-3']);
    expect([reasonOf(rows, 1), reasonOf(rows, 2)]).toEqual(['overRunLimit', 'keyTooYoung']);
  });
});

describe('canaries', () => {
  const keys = [key(1, 1, 100), key(2, 2, 100), key(3, 3, 100)];

  it('have a key and were seen within a day', async () => {
    const devices = [
      device(1),
      device(2, { lastSyncAtMs: START_MS - 24 * HOUR_MS - 1 }),
      device(3, { lastSyncAtMs: START_MS - 24 * HOUR_MS }),
      device(4),
    ];
    const { rows } = await decide(devices, keys);
    expect(names(rows.filter((row) => row.canary))).toEqual(['LT-1', 'LT-3']);
  });

  it('are taken from all that are due when none would answer soon', async () => {
    const devices = fleet(3).map((one) => ({ ...one, lastSyncAtMs: START_MS - 2 * DAY_MS }));
    expect((await decide(devices, keys, { canaryDevices: 2 })).decision.canaries).toBe(2);
  });

  it('are none when turned off', async () => {
    expect((await decide(fleet(3), keys, { canaryDevices: 0 })).decision.canaries).toBe(0);
  });

  it('are the same for the same seed, others for another, never more than wanted', async () => {
    const many = fleet(300);
    const old = many.map((_, i) => key(i + 1, i + 1, 100 + i));
    const canaries = async (seed: number) =>
      names((await decide(many, old, { seed })).rows.filter((row) => row.canary));
    const first = await canaries(1);
    expect(first).toHaveLength(20);
    expect(await canaries(1)).toEqual(first);
    expect(await canaries(2)).not.toEqual(first);
  });

  it('are within the cap', async () => {
    const many = fleet(30);
    const { decision } = await decide(
      many,
      many.map((_, i) => key(i + 1, i + 1, 100)),
      { maxDevices: 5 },
    );
    expect(decision).toMatchObject({ due: 5, canaries: 5 });
  });
});

describe('devices asked before', () => {
  it.each<[string, Ledgered, string]>([
    ['within the minimum age', { n: 1, askedDaysAgo: 6, lastState: 'failed' }, 'keyTooYoung'],
    ['the minimum age ago', { n: 1, askedDaysAgo: 7, lastState: 'failed' }, 'planned'],
    ['and still pending', { n: 1, askedDaysAgo: 20, lastState: 'overdue', pending: 'pending' }, 'rotationPending'],
    ['and failed at last', { n: 1, askedDaysAgo: 20, lastState: 'overdue', pending: 'failed' }, 'planned'],
    [
      'and failed at last, within the minimum age',
      { n: 1, askedDaysAgo: 5, lastState: 'overdue', pending: 'failed' },
      'keyTooYoung',
    ],
    [
      'more than 60 days ago, never final',
      { n: 1, askedDaysAgo: 61, lastState: 'overdue', pending: 'pending' },
      'planned',
    ],
  ])('%s', async (_what, ledgered, answer) => {
    const { rows } = await decide([device(1)], [key(1, 1, 100)], {}, [ledgered]);
    expect(reasonOf(rows, 1)).toBe(answer);
  });

  it('on demand may be asked again after an hour', async () => {
    const { maxKeyAgeMs: _max, ...rest } = RULES;
    const rules = { ...rest, minKeyAgeMs: ON_DEMAND_FLOOR_MS };
    const given = fleetOf([device(1), device(2)], [key(1, 1, 2), key(2, 2, 0.01)]);
    const world = createPlanning();
    const known = noKnownDevices(given);
    noteDevice(known, given, { value: recordOf({ n: 1, askedDaysAgo: 0.5 }), version: '1' });
    noteDevice(known, given, { value: recordOf({ n: 99, askedDaysAgo: 0.5 }), version: '1' });
    const bounds = { deadlineAtMs: START_MS + 480_000, signal: new AbortController().signal };
    const rows = [...(await decideFleet(world.deps(), bounds, given, rules, known)).rows()];
    expect([reasonOf(rows, 1), reasonOf(rows, 2)]).toEqual(['planned', 'keyTooYoung']);
  });
});

describe('laws of a plan', () => {
  const anyDevice = fc.record({
    n: fc.integer({ min: 1, max: 40 }),
    sameAs: fc.option(fc.integer({ min: 1, max: 40 }), { freq: 6 }),
    hasEntraId: fc.boolean(),
    seenDaysAgo: fc.constantFrom(0, 0, 1, 3, 20),
    isEncrypted: fc.constantFrom(true, true, true, false),
    keyAgeDays: fc.option(fc.nat({ max: 200 })),
    lastState: fc.option(fc.constantFrom<RotationState>('proven', 'failed', 'overdue', 'refused')),
    askedDaysAgo: fc.nat({ max: 100 }),
    pending: fc.option(fc.constantFrom<ActionState>('pending', 'done', 'failed'), { nil: undefined, freq: 3 }),
  });
  const anyPlan = fc.record({
    devices: fc.uniqueArray(anyDevice, { selector: ({ n }) => n, maxLength: 40 }),
    maxDevices: fc.nat({ max: 30 }),
    canaryDevices: fc.nat({ max: 8 }),
    seed: fc.nat(),
  });

  it('every device once; counts as the rows; canaries first and of the due; oldest key first, broken ones last', async () => {
    await fc.assert(
      fc.asyncProperty(anyPlan, async ({ devices: given, ...rules }) => {
        const devices = given.map(({ n, sameAs, hasEntraId, seenDaysAgo, isEncrypted }) =>
          device(n, {
            entraDeviceId: hasEntraId ? entraId(sameAs ?? n) : undefined,
            lastSyncAtMs: START_MS - seenDaysAgo * DAY_MS,
            isEncrypted,
          }),
        );
        const keys = given.flatMap(({ n, keyAgeDays }) => (keyAgeDays === null ? [] : [key(n, n, keyAgeDays)]));
        const ledgered = given.flatMap(({ n, lastState, askedDaysAgo, pending }): Ledgered[] =>
          lastState === null ? [] : [{ n, askedDaysAgo, lastState, ...(pending === undefined ? {} : { pending }) }],
        );
        const { decision, rows } = await decide(devices, keys, rules, ledgered);

        expect(rows.map((row) => row.managedDeviceId).sort()).toEqual(devices.map((one) => one.managedDeviceId).sort());
        const due = rows.filter((row) => row.state === 'planned');
        const canaries = rows.filter((row) => row.canary);
        expect(decision.due).toBe(due.length);
        expect(decision.notDue).toBe(rows.filter((row) => row.state === 'notDue').length);
        expect(decision.canaries).toBe(canaries.length);
        const skipped: Record<string, number> = {};
        for (const { skipReason } of rows)
          if (skipReason !== undefined) skipped[skipReason] = (skipped[skipReason] ?? 0) + 1;
        expect(decision.skipped).toEqual(skipped);
        for (const row of rows) expect(row.skipReason !== undefined).toBe(row.state === 'skipped');

        expect(due.length).toBeLessThanOrEqual(rules.maxDevices);
        if (skipped.overRunLimit !== undefined) expect(due).toHaveLength(rules.maxDevices);
        expect(canaries.length).toBeLessThanOrEqual(rules.canaryDevices);
        if (rules.canaryDevices > 0 && due.length > 0) expect(canaries.length).toBeGreaterThan(0);
        expect(rows.slice(0, canaries.length)).toEqual(canaries);
        expect(rows.slice(0, due.length)).toEqual(due);
        // One request at most for one Entra device.
        expect(new Set(due.map((row) => row.entraDeviceId)).size).toBe(due.length);

        const ofEntra = new Map(ledgered.map((one) => [entraId(one.n), one]));
        const isBroken = (row: PlannedRotation) => {
          const one = row.entraDeviceId === undefined ? undefined : ofEntra.get(row.entraDeviceId);
          const keyAfter = (row.keyBeforeAtMs ?? 0) > START_MS - (one?.askedDaysAgo ?? 0) * DAY_MS + 1_000;
          return one !== undefined && (one.pending === undefined ? one.lastState !== 'proven' : !keyAfter);
        };
        const rank = (row: PlannedRotation) =>
          [Number(isBroken(row)), row.keyBeforeAtMs ?? Number.NEGATIVE_INFINITY] as const;
        const fleetRows = due.slice(canaries.length);
        for (const [i, row] of fleetRows.slice(1).entries()) {
          const [brokenBefore, ageBefore] = rank(fleetRows[i] as PlannedRotation);
          const [broken, age] = rank(row);
          expect(brokenBefore < broken || (brokenBefore === broken && ageBefore <= age)).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });
});
