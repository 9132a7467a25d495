/** What must hold whatever went wrong: no referee violation, counts that add up, no success that was none, and no secret anywhere. */
import { inspect } from 'node:util';
import { expect } from 'vitest';
import { countRun } from '../../../src/app/run-counts.ts';
import { isTerminal, type Rotation } from '../../../src/domain/rotation.ts';
import { addCounts, type Run } from '../../../src/domain/run.ts';
import type { DeviceTruth } from '../../../src/simulator/truth.ts';
import { expectEvidence, reportTexts } from '../../support/expect-evidence.ts';
import { expectNoSecret } from '../../support/expect-no-secret.ts';
import type { FaultWorld } from './fault-world.ts';

export interface Honesty {
  /** Devices that rotated and are not proven, because nobody looked any more; by name, or whichever are `abandoned`. Default none. */
  readonly late?: readonly string[] | 'abandoned';
  /** Faults scripted without an end are allowed to be left. Default false. */
  readonly openEnded?: boolean;
}

/** Fails unless the world's ledger agrees with what its devices really did. */
export async function expectHonest(world: FaultWorld, { late = [], openEnded = false }: Honesty = {}): Promise<void> {
  expect(world.sim.referee.violations).toEqual([]);
  if (!openEnded) expect(world.sim.unusedFaults()).toEqual([]);
  const runs = await world.runs();
  const rows: Rotation[] = [];
  for (const run of runs) {
    const own = await world.rotations(run.runId);
    await expectCounts(world, run, own);
    rows.push(...own);
  }
  expectTruth([...world.sim.truth.devices()], rows, runs.length, late);
  await expectNoSecrets(world, runs, rows);
  await expectEvidence(world);
}

async function expectCounts(world: FaultWorld, run: Run, rows: readonly Rotation[]): Promise<void> {
  if (run.state === 'planning') return;
  const { states, skipped } = await countRun(world.ledger, run);
  expect(rows).toHaveLength(run.devices);
  expect(addCounts(...rows.map((row) => ({ [row.state]: 1 })))).toEqual(states);
  expect(Object.values(states).reduce((sum, n) => sum + n, 0)).toBe(run.devices);
  expect(Object.values(skipped).reduce((sum, n) => sum + n, 0)).toBe(states.skipped ?? 0);
  // A dry run, and one that was aborted, leaves what it did not ask for as `planned`.
  const mayStayPlanned = run.mode === 'dryRun' || run.abortReason !== undefined;
  if (run.finishedAtMs === undefined) return;
  const open = rows.filter(({ state }) => !isTerminal(state) && !(mayStayPlanned && state === 'planned'));
  expect(open).toEqual([]);
}

function expectTruth(
  devices: readonly DeviceTruth[],
  rows: readonly Rotation[],
  runs: number,
  late: NonNullable<Honesty['late']>,
): void {
  const proven = Map.groupBy(
    rows.filter(({ state }) => state === 'proven'),
    ({ managedDeviceId }) => managedDeviceId as string,
  );
  const asked = Map.groupBy(rows.filter(wasAsked), ({ managedDeviceId }) => managedDeviceId as string);
  for (const device of devices) {
    const proofs = proven.get(device.managedDeviceId) ?? [];
    const { deviceName, rotated, requested } = device;
    // Nothing is called proven that did not rotate, and none is proven twice by one key.
    expect({ deviceName, proofs: proofs.length }).toEqual({ deviceName, proofs: Math.min(proofs.length, rotated) });
    expect(new Set(proofs.map(({ keyAfterId }) => keyAfterId)).size).toBe(proofs.length);
    if (rotated === 1 && proofs[0] !== undefined) expect(proofs[0].keyAfterId).toBe(device.newestKey?.keyId);
    // Nothing was asked for that no row tells of, and no run asked twice.
    const tellers = asked.get(device.managedDeviceId) ?? [];
    if (requested > 0) expect({ deviceName, told: tellers.length > 0 }).toEqual({ deviceName, told: true });
    expect({ deviceName, requested }).toEqual({ deviceName, requested: Math.min(requested, runs) });
    // What rotated because we asked is proven, except where nobody looked any more, or is looking still.
    if (requested === 0 || rotated === 0 || tellers.some(({ state }) => !isTerminal(state))) continue;
    const isLate = late === 'abandoned' ? tellers.some(({ state }) => state === late) : late.includes(deviceName);
    if (!isLate) expect({ deviceName, proven: proofs.length > 0 }).toEqual({ deviceName, proven: true });
  }
}

/** States of rows whose device may have been asked. */
function wasAsked({ state }: Rotation): boolean {
  return state !== 'planned' && state !== 'skipped' && state !== 'notDue';
}

/** Searches every log line, row, message, file and error for recovery passwords and tokens. */
async function expectNoSecrets(world: FaultWorld, runs: readonly Run[], rows: readonly Rotation[]): Promise<void> {
  const texts = [
    ...world.log,
    ...world.files,
    ...(await reportTexts(world)),
    JSON.stringify(runs),
    JSON.stringify(rows),
  ];
  texts.push(JSON.stringify(world.queues.sent()));
  for (const error of world.errors) texts.push(inspect(error, { depth: 10, showHidden: true }));
  for (const { runId } of runs) {
    for await (const slice of world.ledger.listSlices(runId, {})) texts.push(JSON.stringify(slice));
    texts.push(JSON.stringify(await world.ledger.readOutcomes(runId)) ?? '');
  }
  for await (const page of world.ledger.devicePages()) texts.push(JSON.stringify(page));
  for await (const entry of world.ledger.listQuarantine()) texts.push(JSON.stringify(entry));
  expectNoSecret(world.sim, texts);
}
