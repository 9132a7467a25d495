import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countRun, countSlices } from '../../src/app/run-counts.ts';
import { countRotations } from '../../src/app/slice-rows.ts';
import { parseManagedDeviceId, parseRunId, parseTenantId } from '../../src/domain/ids.ts';
import { ROTATION_STATES, type Rotation, SKIP_REASONS, type SkipReason } from '../../src/domain/rotation.ts';
import { addCounts, type Run, type Slice, sliceIdOf } from '../../src/domain/run.ts';
import { createVirtualClock } from '../../src/simulator/virtual-clock.ts';
import { createMemoryLedger } from '../../src/storage/memory/memory-ledger.ts';

const RUN: Run = {
  tenantId: parseTenantId('99999999-1111-4222-8333-444455556666'),
  runId: parseRunId('run-1'),
  trigger: 'schedule',
  mode: 'live',
  state: 'rotating',
  createdAtMs: 0,
  seed: 1,
  checkpoint: 0,
  rowsWritten: 0,
  devices: 0,
  due: 0,
  notDue: 0,
  skipped: {},
  canaries: 0,
  nextOrder: 0,
  canaryPassed: true,
};

const row = (order: number, state: Rotation['state'], skipReason?: SkipReason): Rotation => ({
  order,
  managedDeviceId: parseManagedDeviceId(`00000001-0000-4000-8000-${String(order).padStart(12, '0')}`),
  deviceName: `LT-${order}`,
  state,
  attempt: 0,
  ...(skipReason === undefined ? {} : { skipReason }),
});

const sliceOf = (rows: readonly Rotation[]): Slice => ({
  sliceId: sliceIdOf(rows[0]?.order ?? 0, 0),
  state: 'open',
  orders: rows.map(({ order }) => order),
  canary: false,
  look: 0,
  dueAtMs: 0,
  ...countRotations(rows),
});

const LEFT_PLANNED = ROTATION_STATES.filter((state) => state !== 'notDue');
const anyState = fc.oneof(
  fc.constantFrom(...LEFT_PLANNED.filter((state) => state !== 'skipped')).map((state) => ({ state })),
  fc.constantFrom(...SKIP_REASONS).map((skipReason) => ({ state: 'skipped' as const, skipReason })),
);

/** A run whose due rows stand where they do, some of them in slices. */
const anyRun = fc
  .record({
    inSlices: fc.array(fc.array(anyState, { minLength: 1, maxLength: 10 }), { maxLength: 6 }),
    stillPlanned: fc.nat({ max: 20 }),
    notDue: fc.nat({ max: 20 }),
    skipped: fc.array(fc.constantFrom(...SKIP_REASONS), { maxLength: 20 }),
  })
  .map(({ inSlices, stillPlanned, notDue, skipped }) => {
    let order = 0;
    const slices = inSlices.map((states) =>
      states.map((one) => row(order++, one.state, 'skipReason' in one ? one.skipReason : undefined)),
    );
    const rest = Array.from({ length: stillPlanned }, () => row(order++, 'planned'));
    const plan: Rotation[] = [
      ...Array.from({ length: notDue }, () => row(order++, 'notDue')),
      ...skipped.map((reason) => row(order++, 'skipped', reason)),
    ];
    const rows = [...slices.flat(), ...rest, ...plan];
    const run: Run = {
      ...RUN,
      devices: rows.length,
      due: slices.flat().length + rest.length,
      notDue,
      skipped: countRotations(plan).skipped,
    };
    return { run, rows, slices: slices.map(sliceOf) };
  });

describe('countSlices', () => {
  it('counts every row once, in its state and by its reason, and adds up to the devices of the run', () => {
    fc.assert(
      fc.property(anyRun, ({ run, rows, slices }) => {
        const counted = countSlices(run, slices);
        expect(counted.states).toEqual(addCounts(...rows.map(({ state }) => ({ [state]: 1 }))));
        expect(counted.skipped).toEqual(countRotations(rows).skipped);
        const sum = Object.values(counted.states).reduce((a, b) => a + b, 0);
        expect(sum).toBe(run.devices);
        expect(Object.values(counted.skipped).reduce((a, b) => a + b, 0)).toBe(counted.states.skipped ?? 0);
      }),
    );
  });

  it('adds up at every moment at which rotations of a slice are handed to one that asks again', () => {
    const rows = [row(0, 'requested'), row(1, 'planned'), row(2, 'planned')];
    const before = countSlices({ ...RUN, devices: 3, due: 3 }, [sliceOf(rows)]);
    const after = countSlices({ ...RUN, devices: 3, due: 3 }, [sliceOf(rows.slice(0, 1)), sliceOf(rows.slice(1))]);
    expect(after).toEqual(before);
    expect(
      countSlices({ ...RUN, devices: 2, due: 2 }, [{ ...sliceOf([]), state: 'closed' }, sliceOf(rows.slice(1))]).states,
    ).toEqual({
      planned: 2,
    });
  });
});

describe('countRun', () => {
  it('reads the slices of a run in progress', async () => {
    const ledger = createMemoryLedger({ clock: createVirtualClock(0) });
    const slice = sliceOf([row(0, 'proven'), row(1, 'skipped', 'rotationPending')]);
    await ledger.writeSlices(RUN.runId, [{ slice, version: undefined }]);
    const run: Run = { ...RUN, devices: 6, due: 4, notDue: 1, skipped: { excluded: 1 } };
    expect(await countRun(ledger, run)).toEqual({
      states: { planned: 2, notDue: 1, skipped: 2, proven: 1 },
      skipped: { excluded: 1, rotationPending: 1 },
    });
  });

  it('believes a finished run', async () => {
    const ledger = createMemoryLedger({ clock: createVirtualClock(0) });
    const run: Run = { ...RUN, state: 'completed', finalCounts: { proven: 3, skipped: 1 }, skipped: { excluded: 1 } };
    expect(await countRun(ledger, run)).toEqual({ states: { proven: 3, skipped: 1 }, skipped: { excluded: 1 } });
  });

  it('counts nothing of a run that is not planned yet', async () => {
    const ledger = createMemoryLedger({ clock: createVirtualClock(0) });
    expect(await countRun(ledger, { ...RUN, state: 'planning' })).toEqual({ states: {}, skipped: {} });
  });
});
