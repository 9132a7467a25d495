/** Runs over named devices: long lists are planned, and a target that cannot be read holds nobody else up. */
import { describe, expect, it } from 'vitest';
import { startTargetedRun } from '../../src/app/start-run.ts';
import { type ManagedDeviceId, parseManagedDeviceId, parseRunId } from '../../src/domain/ids.ts';
import type { Run } from '../../src/domain/run.ts';
import type { RotationTarget } from '../../src/domain/targets.ts';
import { runCodec } from '../../src/storage/rows/run-row.ts';
import { createWorld, DAY_MS, START_MS, type World } from '../support/world.ts';
import { createFaultWorld } from './faults/fault-world.ts';
import { KEY_PART } from './faults/places.ts';

/** Azure Tables holds 1 MiB in an entity, UTF-16. Source: Understanding the Table service data model (read 2026-11-22). */
const ENTITY_BYTES = 1024 * 1024;

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
  it.each([400, 403, 503])('is listed with what Graph answered, and the rest is rotated (%i)', async (status) => {
    const world = createFaultWorld();
    const bad = idAt(world, 3);
    world.sim.script({ path: new RegExp(`/managedDevices/${bad}`), fault: { kind: 'status', status }, times: 10_000 });
    const run = await runOver(world, targetsOf(world, 10));
    expect(run).toMatchObject({
      state: 'completed',
      devices: 9,
      finalCounts: { proven: 9 },
      unresolved: [`managedDeviceId ${bad}: Graph cannot read it (status ${status})`],
    });
    expect(world.sim.truth.asked()).toHaveLength(9);
    expect(world.sim.truth.device(3)?.requested).toBe(0);
  });

  it('for now is waited for', async () => {
    const world = createFaultWorld();
    const path = new RegExp(`/managedDevices/${idAt(world, 3)}`);
    const untilMs = START_MS + 1_200_000;
    const fault = { kind: 'status', status: 503 } as const;
    world.sim.script({ path, fault, times: 10_000, when: () => world.clock.nowMs() < untilMs });
    const run = await runOver(world, targetsOf(world, 10));
    expect(run).toMatchObject({ state: 'completed', finalCounts: { proven: 10 } });
    expect(run.unresolved).toBeUndefined();
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

  it('is given up in the end when Graph never answers, and nothing is asked meanwhile', async () => {
    const world = createFaultWorld();
    world.sim.script({ ...KEY_PART, fault: { kind: 'status', status: 503 }, times: 100_000 });
    const run = await runOver(world, targetsOf(world, 2));
    expect(run).toMatchObject({ state: 'completed', devices: 0, due: 0 });
    expect(run.unresolved).toHaveLength(2);
    expect(world.sim.truth.asked()).toEqual([]);
  });
});
