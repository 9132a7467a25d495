/** Gives a slice up: its open rotations become `abandoned`, and keep their device as pending when a request may still take effect. Layer: app. */
import type { EntraDeviceId, RunId, SliceId } from '../domain/ids.ts';
import { applyEvent, isTerminal, type Rotation } from '../domain/rotation.ts';
import type { Deps } from './deps.ts';
import { readAsLeft } from './read-as-left.ts';
import { settleClaims } from './settle-claims.ts';
import { countRotations } from './slice-rows.ts';

/** The devices given up, whether by this call or by one before. Doing it twice changes nothing. */
export async function abandonSlice(deps: Deps, runId: RunId, sliceId: SliceId): Promise<readonly EntraDeviceId[]> {
  for (;;) {
    const run = await deps.ledger.readRun(runId);
    const slice = await deps.ledger.readSlice(runId, sliceId);
    if (run === undefined || slice === undefined) return [];
    if (slice.value.state !== 'closed') await readAsLeft(deps, run.value, slice.value);
    let rotations = await readAll(deps, runId, slice.value.orders);
    if (slice.value.state === 'closed') return abandonedDevices(rotations.map((row) => row.value));
    while (rotations.some(({ value }) => !isTerminal(value.state))) {
      const open = rotations.filter(({ value }) => !isTerminal(value.state));
      await deps.ledger.writeRotations(
        runId,
        open.map((row) => ({ ...row, value: applyEvent(row.value, { kind: 'abandoned' }) })),
      );
      rotations = await readAll(deps, runId, slice.value.orders);
    }
    const values = rotations.map((row) => row.value);
    await settleClaims(deps, run.value, values);
    const closed = { ...slice.value, state: 'closed' as const, ...countRotations(values) };
    if (await deps.ledger.writeSlices(runId, [{ slice: closed, version: slice.version }]))
      return abandonedDevices(values);
  }
}

function readAll(deps: Deps, runId: RunId, orders: readonly number[]) {
  return deps.ledger.readRotationsAt(runId, orders);
}

function abandonedDevices(rotations: readonly Rotation[]): readonly EntraDeviceId[] {
  return rotations
    .filter((rotation) => rotation.state === 'abandoned')
    .flatMap((rotation) => rotation.entraDeviceId ?? []);
}
