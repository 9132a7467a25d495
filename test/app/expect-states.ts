/** What every test that creates encryption states must end with: nothing is there twice, and the ledger says no more than is true. */
import { expect } from 'vitest';
import type { Rotation } from '../../src/domain/rotation.ts';
import type { World } from '../support/world.ts';

/** How many recorded states, `none` aside, came how far. */
export function stagesOf(rows: readonly Rotation[]): Readonly<Record<string, number>> {
  const stages: Record<string, number> = {};
  for (const { state, creation } of rows.flatMap(({ encryptionStates }) => encryptionStates ?? [])) {
    if (state === 'none') continue;
    const stage = creation ?? 'unsent';
    stages[stage] = (stages[stage] ?? 0) + 1;
  }
  return stages;
}

/** How many recorded states there are to create. */
export function recordedCount(rows: readonly Rotation[]): number {
  return rows.flatMap(({ encryptionStates }) => encryptionStates ?? []).filter(({ state }) => state !== 'none').length;
}

/** Device by device, against the simulated tenant's truth. Names in the fleet must be unique. */
export function expectStatesTrue(world: World, rows: readonly Rotation[]): void {
  expect(world.sim.referee.violations).toEqual([]);
  let inTenant = 0;
  for (const { deviceName, encryptionStates = [] } of rows) {
    const created = world.sim.truth.createdStatesOf(deviceName);
    inTenant += created;
    const ofStage = (stage: string) =>
      encryptionStates.filter(({ state, creation }) => state !== 'none' && creation === stage).length;
    const doubtful = ofStage('unknown') + ofStage('sending');
    // `created` is there; `unknown` may be; nothing else is.
    expect({ deviceName, created }).toEqual({
      deviceName,
      created: Math.min(Math.max(created, ofStage('created')), ofStage('created') + doubtful),
    });
    for (const { state, creation } of encryptionStates) if (state === 'none') expect(creation).toBeUndefined();
  }
  expect(world.sim.truth.createdStates).toHaveLength(inTenant);
}
