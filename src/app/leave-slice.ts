/** Takes an aborted run's rotations that were due again out of their slice: they count as planned, and their devices are free. Layer: app. */
import type { Versioned } from '../domain/ledger.ts';
import type { Rotation } from '../domain/rotation.ts';
import type { Run, Slice } from '../domain/run.ts';
import { lostSight } from './claim-block.ts';
import type { Deps } from './deps.ts';
import { giveBackClaims } from './settle-claims.ts';
import { firstSlice, sendLook } from './slice-rows.ts';

/** What the slice asked for before the run was aborted, or may have, stays in it, to be looked at. Doing it twice changes nothing. */
export async function leaveSlice(deps: Deps, run: Run, slice: Versioned<Slice>): Promise<void> {
  const rotations = await readAsLeft(deps, run, slice.value);
  await giveBackClaims(
    deps,
    run,
    rotations.filter((rotation) => rotation.state === 'planned'),
  );
  const rest = firstSlice(
    deps,
    slice.value.sliceId,
    rotations.filter((rotation) => rotation.state !== 'planned'),
  );
  await sendLook(deps, run, rest);
  await deps.ledger.writeSlices(run.runId, [{ slice: rest, version: slice.version }]);
}

/** The slice's rotations; one whose owner died between claim and record is uncertain: it may have been asked for. */
async function readAsLeft(deps: Deps, run: Run, slice: Slice): Promise<readonly Rotation[]> {
  for (;;) {
    const rows = await deps.ledger.readRotationsAt(run.runId, slice.orders);
    const records = await deps.ledger.readDevices(rows.flatMap((row) => row.value.entraDeviceId ?? []));
    const left = rows.flatMap(({ value, version }): Versioned<Rotation>[] => {
      const claim = value.entraDeviceId === undefined ? undefined : records.get(value.entraDeviceId)?.value.claim;
      const isOurs = claim?.runId === run.runId && claim.order === value.order && claim.attempt >= value.attempt;
      return value.state === 'planned' && isOurs
        ? [{ value: { ...lostSight(value, claim), sliceId: slice.sliceId }, version }]
        : [];
    });
    if (left.length === 0) return rows.map((row) => row.value);
    await deps.ledger.writeRotations(run.runId, left);
  }
}
