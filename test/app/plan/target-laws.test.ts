/** What holds for any list of targets over any fleet. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ManagedDevice } from '../../../src/domain/managed-device.ts';
import {
  aimOf,
  describeTarget,
  isAskable,
  type RotationTarget,
  type TargetAim,
  targetKey,
} from '../../../src/domain/targets.ts';
import type { ScriptRunState } from '../../../src/domain/tenant.ts';
import {
  createPlanning,
  device,
  entraId,
  HOUR_MS,
  type Holdings,
  key,
  managedId,
  planTargets,
  START_MS,
} from './planning.ts';

/** Few of each, so that targets meet: records that share an Entra device, names that several have, users with several devices. */
const small = fc.integer({ min: 1, max: 6 });
const anyRecord = fc.record({
  entra: fc.option(small, { freq: 5 }),
  name: fc.integer({ min: 1, max: 9 }),
  syncedHoursAgo: small,
  serial: fc.integer({ min: 1, max: 9 }),
  user: small,
  isComanaged: fc.boolean(),
  isEncrypted: fc.boolean(),
  keyAgeDays: fc.option(fc.integer({ min: 1, max: 400 })),
});
const SCRIPTS = ['deviceHealthScript', 'deviceComplianceScript'] as const;
const anyState = fc.record({ of: fc.option(fc.integer({ min: 1, max: 10 }), { freq: 5 }), isFailing: fc.boolean() });

const anyWorld = fc
  .record({
    records: fc.array(anyRecord, { maxLength: 10 }),
    states: fc.tuple(fc.array(anyState, { maxLength: 12 }), fc.option(fc.array(anyState, { maxLength: 12 }))),
    pageSize: fc.integer({ min: 1, max: 5 }),
  })
  .map(({ records, states, pageSize }): Partial<Holdings> => {
    const devices = records.map(
      ({ entra, name, syncedHoursAgo, isEncrypted }, i): ManagedDevice =>
        device(i + 1, {
          entraDeviceId: entra === null ? undefined : entraId(entra),
          deviceName: `LT-${name}`,
          lastSyncAtMs: START_MS - syncedHoursAgo * HOUR_MS,
          isEncrypted,
        }),
    );
    const idsBy = (value: (record: (typeof records)[number]) => string) => {
      const ids = Map.groupBy(records.keys(), (i) => value(records[i] ?? expect.unreachable()));
      return new Map([...ids].map(([name, of]) => [name, of.map((i) => managedId(i + 1))]));
    };
    const scripts = states.flatMap((found, s) => {
      if (found === null) return [];
      const of = found.map((state, i): ScriptRunState => {
        const known = state.of === null ? undefined : devices[state.of - 1];
        const { isFailing } = state;
        return { runStateId: `r${i}`, isFailing, ...(known === undefined ? {} : { device: known }) };
      });
      return [[`${SCRIPTS[s]}/s`, of] as const];
    });
    return {
      devices,
      keys: records.flatMap(({ entra, keyAgeDays }, i) =>
        entra === null || keyAgeDays === null ? [] : [key(i + 1, entra, keyAgeDays)],
      ),
      names: {
        serialNumber: idsBy((record) => `S${record.serial}`),
        userPrincipalName: idsBy((record) => `u${record.user}@contoso.com`),
      },
      comanaged: new Set(records.flatMap(({ isComanaged }, i) => (isComanaged ? [managedId(i + 1)] : []))),
      scripts: new Map(scripts),
      pageSize,
    };
  });

const anyId = fc.integer({ min: 1, max: 12 }).map(managedId);
const anyStateId = fc.oneof({ weight: 9, arbitrary: fc.nat({ max: 12 }).map((n) => `r${n}`) }, fc.constant('../r'));
const deviceManagementScriptId = fc.constantFrom('s', 'other');
const aTarget: fc.Arbitrary<RotationTarget> = fc.oneof(
  fc.record({ managedDeviceId: anyId }),
  fc.record({ entraDeviceId: fc.integer({ min: 1, max: 7 }).map(entraId) }),
  fc.record({ deviceName: fc.integer({ min: 1, max: 10 }).map((n) => `LT-${n}`) }),
  fc.record({ serialNumber: fc.integer({ min: 1, max: 10 }).map((n) => `S${n}`) }),
  fc.record({ userPrincipalName: fc.integer({ min: 1, max: 7 }).map((n) => `u${n}@contoso.com`) }),
  fc.record({ comanagedDeviceId: anyId }),
  fc.record({ deviceHealthScriptId: fc.constant('s'), deviceRunStateId: anyStateId }),
  fc.record({ deviceComplianceScriptId: fc.constant('s'), deviceRunStateId: anyStateId }),
  fc.record({
    deviceManagementScriptId,
    deviceRunStateId: anyStateId,
    userId: fc.constant('u'),
    managedDeviceId: anyId,
  }),
  fc.record({
    deviceManagementScriptId,
    deviceRunStateId: anyStateId,
    detectedAppId: fc.constant('a'),
    managedDeviceId: anyId,
  }),
  fc.record({ deviceHealthScriptId: fc.constantFrom('s', 'other'), failing: fc.constant(true as const) }),
  fc.record({ deviceComplianceScriptId: fc.constantFrom('s', 'a/b'), failing: fc.constant(true as const) }),
);

interface Meant {
  readonly device: ManagedDevice;
  readonly via: string | undefined;
}

/** What a target means, read naively. */
function meaning(target: RotationTarget, world: Partial<Holdings>): readonly Meant[] {
  if (!isAskable(target)) return [];
  const devices = world.devices ?? [];
  const aim: TargetAim = aimOf(target);
  const withId = (id: string) => devices.filter((one) => one.managedDeviceId === id);
  const by = (found: readonly ManagedDevice[], via?: string) => found.map((one) => ({ device: one, via }));
  switch (aim.at) {
    case 'managedDevice':
      return by(withId(aim.managedDeviceId));
    case 'entraDevice':
      return by(devices.filter((one) => one.entraDeviceId === aim.entraDeviceId));
    case 'comanagedDevice':
      return by(world.comanaged?.has(aim.managedDeviceId) ? withId(aim.managedDeviceId) : [], 'comanagedDevice');
    case 'routed':
      return by(withId(aim.managedDeviceId), aim.route.via);
    case 'named': {
      const found =
        aim.by === 'deviceName'
          ? devices.filter((one) => one.deviceName === aim.value)
          : (world.names?.[aim.by].get(aim.value) ?? []).flatMap(withId);
      const distinct = new Set(found.map((one) => one.entraDeviceId ?? one.managedDeviceId));
      return distinct.size === 1 ? by(found) : [];
    }
    case 'runState':
    case 'failing': {
      const states = world.scripts?.get(`${aim.script}/${aim.scriptId}`) ?? [];
      const meant = states.filter((state) =>
        aim.at === 'failing' ? state.isFailing : state.runStateId === aim.deviceRunStateId,
      );
      return by(
        meant.flatMap((state) => state.device ?? []),
        aim.script,
      );
    }
  }
}

it('the rows and the refusals account for every target; each device is asked at most once, as it was named first', async () => {
  await fc.assert(
    fc.asyncProperty(anyWorld, fc.array(aTarget, { maxLength: 14 }), async (world, targets) => {
      const { run, rows } = await planTargets(createPlanning(world), targets);
      const first = new Map<string, Meant>();
      for (const one of targets.flatMap((target) => meaning(target, world))) {
        const id = one.device.managedDeviceId;
        if (!first.has(id)) first.set(id, one);
      }
      expect(rows.map((row) => row.managedDeviceId).sort()).toEqual([...first.keys()].sort());
      for (const row of rows) expect(row.route?.via).toBe(first.get(row.managedDeviceId)?.via);
      const asked = rows.filter((row) => row.state === 'planned').map((row) => row.entraDeviceId);
      expect(new Set(asked).size).toBe(asked.length);
      expect(run.devices).toBe(rows.length);

      const told = run.unresolved ?? [];
      const unique = new Map(targets.map((target) => [targetKey(target), target]));
      for (const target of unique.values()) {
        const own = told.filter((words) => words.startsWith(`${describeTarget(target)}: `));
        const isPartly = own.some((words) => words.endsWith('no longer in Intune'));
        if (meaning(target, world).length === 0) expect(own).not.toHaveLength(0);
        else expect(own).toHaveLength(isPartly ? 1 : 0);
      }
      expect(told.length).toBeLessThanOrEqual(unique.size);
    }),
    { numRuns: 400 },
  );
});

it('the same targets over the same fleet make the same plan', async () => {
  await fc.assert(
    fc.asyncProperty(anyWorld, fc.array(aTarget, { maxLength: 14 }), async (world, targets) => {
      const one = await planTargets(createPlanning(world), targets);
      const other = await planTargets(createPlanning({ ...world, pageSize: 1_000 }), [...targets, ...targets]);
      expect(other.rows).toEqual(one.rows);
      expect(other.run.unresolved).toEqual(one.run.unresolved);
    }),
    { numRuns: 100 },
  );
});
