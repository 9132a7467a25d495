import { describe, expect, it } from 'vitest';
import { advanceRun } from '../../src/app/advance-run.ts';
import { eligibilityOf } from '../../src/app/doctor/check-fleet.ts';
import { startFleetRun } from '../../src/app/start-run.ts';
import { countEligible } from '../../src/domain/eligibility.ts';
import type { ManagedDevice } from '../../src/domain/managed-device.ts';
import { createWorld } from '../support/world.ts';
import { viewFleet } from './fleet/fleet-world.ts';

describe('how many devices can be asked', () => {
  it('is one figure: of the doctor, of the fleet, and of a plan, over devices of every kind and some listed twice', async () => {
    const world = createWorld({ devices: 300, fleet: 'mixed', pageSize: 100 });
    await world.clock.run(async () => {
      const { deps } = world.start();
      const devices: ManagedDevice[] = [];
      const call = {
        priority: 'bulk',
        deadlineAtMs: Number.POSITIVE_INFINITY,
        signal: new AbortController().signal,
      } as const;
      for await (const page of deps.tenant.managedDevicePages(undefined, call)) devices.push(...page.items);
      const sample = { devices, isWhole: true };
      const found = eligibilityOf(sample, deps.settings, deps.isExcluded, deps.clock.nowMs());
      const { picture } = await viewFleet(world);
      const { run } = await startFleetRun(deps, { trigger: 'commandLine', mode: 'dryRun' });
      await advanceRun(deps, run, { deadlineAtMs: Number.POSITIVE_INFINITY, signal: call.signal });
      const planned = (await world.ledger.readRun(run.runId))?.value ?? expect.unreachable();

      expect(found.reasons.get('duplicateRecord')).toBeGreaterThan(0);
      expect(Object.fromEntries(found.reasons)).toEqual(picture.ineligible);
      expect([found.eligible.length, countEligible(planned.devices, planned.skipped)]).toEqual([
        picture.eligible,
        picture.eligible,
      ]);
      // Which is neither those that are due, nor those that are not.
      expect(planned.due + planned.notDue).toBeLessThan(picture.eligible);
    });
  });
});
