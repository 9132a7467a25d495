/** Hands rotations that were asked for over as a slice, whoever was interrupted at it before. Layer: app. */
import type { SliceId } from '../domain/ids.ts';
import type { Versioned } from '../domain/ledger.ts';
import { isTerminal, type Rotation } from '../domain/rotation.ts';
import type { Run, Slice } from '../domain/run.ts';
import type { Deps } from './deps.ts';
import { settleClaims } from './settle-claims.ts';
import { firstSlice, sendLook } from './slice-rows.ts';

/** Message first, row last: a crash in between is made good by `adoptOrphans`, and a second message changes nothing. */
export async function openSlice(deps: Deps, run: Run, sliceId: SliceId, rotations: readonly Rotation[]): Promise<void> {
  if (rotations.length === 0) return;
  const slice = firstSlice(deps, sliceId, rotations);
  await sendLook(deps, run, slice);
  if (await deps.ledger.writeSlices(run.runId, [{ slice, version: undefined }])) return;
  await joinSlice(deps, run, sliceId, slice.orders);
}

/** Two owners at once may each have recorded rows of one block: whoever comes second adds its own to the slice of the first. */
async function joinSlice(deps: Deps, run: Run, sliceId: SliceId, added: readonly number[]): Promise<void> {
  for (;;) {
    const stored = await deps.ledger.readSlice(run.runId, sliceId);
    const orders = [...new Set([...(stored?.value.orders ?? []), ...added])].sort((a, b) => a - b);
    const rows = await deps.ledger.readRotationsAt(run.runId, orders);
    const joined = firstSlice(
      deps,
      sliceId,
      rows.map((row) => row.value),
    );
    const slice = { ...joined, look: stored?.value.look ?? 0 };
    await sendLook(deps, run, slice);
    if (await deps.ledger.writeSlices(run.runId, [{ slice, version: stored?.version }])) return;
  }
}

/** A slice whose rotations were due again, once all of them have been asked for. */
export async function reopenSlice(deps: Deps, run: Run, again: Versioned<Slice>): Promise<void> {
  const rotations = (await deps.ledger.readRotationsAt(run.runId, again.value.orders)).map((row) => row.value);
  await settleClaims(deps, run, rotations);
  const slice = firstSlice(deps, again.value.sliceId, rotations);
  await sendLook(deps, run, slice);
  await deps.ledger.writeSlices(run.runId, [{ slice, version: again.version }]);
}

/** Rows that left `planned` before a crash whose slice was never written: writes it now. */
export async function adoptOrphans(deps: Deps, run: Run, rows: readonly Versioned<Rotation>[]): Promise<void> {
  const bySlice = new Map<SliceId, Rotation[]>();
  for (const { value } of rows) {
    if (value.state === 'planned' || value.sliceId === undefined) continue;
    bySlice.set(value.sliceId, [...(bySlice.get(value.sliceId) ?? []), value]);
  }
  for (const [sliceId, rotations] of bySlice) {
    if ((await deps.ledger.readSlice(run.runId, sliceId)) !== undefined) continue;
    await settleClaims(
      deps,
      run,
      rotations.filter((rotation) => isTerminal(rotation.state)),
    );
    await openSlice(deps, run, sliceId, rotations);
  }
}
