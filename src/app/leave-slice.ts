/** Takes an aborted run's rotations that were due again out of their slice: they count as planned, and their devices are free. Layer: app. */
import type { Versioned } from '../domain/ledger.ts';
import type { Run, Slice } from '../domain/run.ts';
import type { Deps } from './deps.ts';
import { readAsLeft } from './read-as-left.ts';
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
