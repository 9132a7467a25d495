import { expect, it } from 'vitest';
import { createSimulation } from '../../bench/support/simulation.ts';
import type { RotationState } from '../../src/domain/rotation.ts';
import { addCounts } from '../../src/domain/run.ts';

const DEVICES = 100_000;

it('plans, rotates and settles 100,000 devices of every kind, and agrees with what they really did', async () => {
  const simulation = createSimulation({
    devices: DEVICES,
    fleet: 'mixed',
    seed: 13,
    latencyMs: 100,
    settings: { CONFIRM_SCHEDULE: 'PT30M,PT12H,P2D' },
  });
  const { ledger, tenant } = simulation;
  const run = await simulation.runOnce();

  const rows: Partial<Record<RotationState, number>> = {};
  const orders = new Set<number>();
  let proven = 0;
  for await (const page of ledger.rotationPages(run.runId)) {
    for (const { order, state, managedDeviceId, keyAfterId } of page) {
      orders.add(order);
      rows[state] = (rows[state] ?? 0) + 1;
      if (state !== 'proven') continue;
      const truth = tenant.truth.device(managedDeviceId);
      if (truth !== undefined && truth.rotated > 0 && truth.newestKey?.keyId === keyAfterId) proven += 1;
    }
  }
  const total = Object.values(rows).reduce((sum, n) => sum + n, 0);

  // The tenant lists Windows devices only; every record it lists is a row of its own.
  const windowsDevices = DEVICES - tenant.truth.summary().otherPlatform.devices;
  expect({ total, orders: orders.size, devices: run.devices }).toEqual({
    total: windowsDevices,
    orders: windowsDevices,
    devices: windowsDevices,
  });
  expect(addCounts(run.finalCounts ?? {})).toEqual(addCounts(rows));
  expect(Object.values(run.skipped).reduce((sum, n) => sum + n, 0)).toBe(rows.skipped);
  expect(proven).toBe(rows.proven);
  expect(proven).toBe(tenant.truth.rotatedCount());
  expect(proven).toBeGreaterThan(DEVICES / 2);

  const { write } = tenant.referee.classes;
  expect({ throttled: write.throttled, accepted: tenant.referee.rotationsAccepted }).toEqual({
    throttled: 0,
    accepted: write.requests - (rows.refused ?? 0),
  });
  tenant.referee.assertClean();
}, 240_000);
