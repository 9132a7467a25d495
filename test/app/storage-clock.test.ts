/** Looks fall due by the storage server's clock, whatever the clocks of the processes say. */
import { describe, expect, it } from 'vitest';
import { advanceRun } from '../../src/app/advance-run.ts';
import { startFleetRun } from '../../src/app/start-run.ts';
import type { Clock } from '../../src/domain/ports.ts';
import { DAY_MS, HOUR_MS, START_MS, type TestProcess } from '../support/world.ts';
import { expectHonest } from './faults/expect-honest.ts';
import { createFaultWorld, type FaultWorld, FLEET_SIZE } from './faults/fault-world.ts';

/** A process whose own clock is so far ahead of everybody else's. */
function startAhead(world: FaultWorld, aheadMs: number): TestProcess {
  const process = world.start();
  const { clock, tenant } = process.deps;
  const ahead: Clock = { ...clock, nowMs: () => clock.nowMs() + aheadMs };
  const behindMs = () => {
    const graphAheadMs = tenant.clockAheadMs();
    return graphAheadMs === undefined ? undefined : graphAheadMs - aheadMs;
  };
  const own = <O extends { readonly deadlineAtMs: number }>(options: O): O => ({
    ...options,
    deadlineAtMs: options.deadlineAtMs - aheadMs,
  });
  return {
    ...process,
    deps: {
      ...process.deps,
      clock: ahead,
      tenant: {
        managedDevicePages: (from, options) => tenant.managedDevicePages(from, own(options)),
        recoveryKeyPages: (from, options) => tenant.recoveryKeyPages(from, own(options)),
        managedDevices: (ids, options) => tenant.managedDevices(ids, own(options)),
        managedDevicesOf: (ids, options) => tenant.managedDevicesOf(ids, own(options)),
        comanagedDevices: (ids, options) => tenant.comanagedDevices(ids, own(options)),
        devicesNamed: (by, values, options) => tenant.devicesNamed(by, values, own(options)),
        runStates: (kind, scriptId, ids, options) => tenant.runStates(kind, scriptId, ids, own(options)),
        runStatePages: (kind, scriptId, from, options) => tenant.runStatePages(kind, scriptId, from, own(options)),
        actionResults: (ids, options) => tenant.actionResults(ids, own(options)),
        recoveryKeys: (ids, options) => tenant.recoveryKeys(ids, own(options)),
        encryptionStates: (ids, options) => tenant.encryptionStates(ids, own(options)),
        requestRotation: (route, options) => tenant.requestRotation(route, own(options)),
        createEncryptionState: (state, options) => tenant.createEncryptionState(state, own(options)),
        clockAheadMs: behindMs,
        grantedRoles: (signal) => tenant.grantedRoles(signal),
      },
    },
  };
}

const MINUTE_MS = 60_000;

describe('a run that one process asks for and another looks at', () => {
  const aheadMs = [-3 * MINUTE_MS, 0, MINUTE_MS, 3 * MINUTE_MS];
  const pairs = aheadMs.flatMap((asks) => aheadMs.map((looks) => [asks, looks] as const));

  it.each(pairs)('is proven without another tick when their clocks are %i and %i ms ahead', async (asks, looks) => {
    const world = createFaultWorld({
      devices: Array.from({ length: FLEET_SIZE }, (_, i) => ({ checkInDelayMs: (i % 6) * HOUR_MS })),
      settings: { ROTATION_CANARY_DEVICES: '0' },
    });
    await world.clock.run(async () => {
      const { deps } = startAhead(world, asks);
      const { run } = await startFleetRun(deps, { trigger: 'commandLine', mode: 'live' });
      const bounds = { deadlineAtMs: deps.clock.nowMs() + 480_000, signal: new AbortController().signal };
      await advanceRun(deps, { tenantId: run.tenantId, runId: run.runId, checkpoint: 0 }, bounds);
      await world.deliver(startAhead(world, looks), START_MS + 5 * DAY_MS);
    });
    expect((await world.runs())[0]).toMatchObject({ state: 'completed', finalCounts: { proven: FLEET_SIZE } });
    expect(world.queues.waiting()).toEqual([]);
    await expectHonest(world);
  });
});
