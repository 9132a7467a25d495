/** Makes slice rows and sends their messages. A slice's row is written last: it says that all before it is done. Layer: app. */
import type { SliceId } from '../domain/ids.ts';
import { isTerminal, type Rotation, type SkipReason } from '../domain/rotation.ts';
import { addCounts, type Run, type Slice, type StateCounts } from '../domain/run.ts';
import type { Deps } from './deps.ts';

/** Counts of the rotations of a slice. */
export function countRotations(rotations: readonly Rotation[]): Pick<Slice, 'counts' | 'skipped'> {
  const skipped: Partial<Record<SkipReason, number>> = {};
  for (const { skipReason } of rotations)
    if (skipReason !== undefined) skipped[skipReason] = (skipped[skipReason] ?? 0) + 1;
  return { counts: addCounts(...rotations.map((rotation): StateCounts => ({ [rotation.state]: 1 }))), skipped };
}

/** A slice as it is before its first look. An uncertain rotation puts that look off until its request can no longer be on its way. */
export function firstSlice(deps: Deps, sliceId: SliceId, rotations: readonly Rotation[]): Slice {
  const nowMs = deps.ledger.serverNowMs();
  const inSightAtMs = rotations
    .filter((rotation) => rotation.state === 'uncertain')
    .map((rotation) => (rotation.sendByMs ?? 0) + deps.timing.inFlightMs);
  const firstDelayMs = deps.settings.confirmScheduleMs[0] ?? 0;
  return {
    sliceId,
    state: rotations.every((rotation) => isTerminal(rotation.state)) ? 'closed' : 'open',
    orders: rotations.map((rotation) => rotation.order),
    canary: rotations.some((rotation) => rotation.canary === true),
    look: 0,
    dueAtMs: Math.max(nowMs + firstDelayMs, ...inSightAtMs),
    ...countRotations(rotations),
  };
}

/** Sends the message for the slice's next look, to arrive when it falls due. */
export async function sendLook(deps: Deps, run: Run, slice: Slice): Promise<void> {
  if (slice.state !== 'open') return;
  await deps.queues.sendSlice(
    { tenantId: run.tenantId, runId: run.runId, sliceId: slice.sliceId, look: slice.look },
    Math.max(0, slice.dueAtMs - deps.ledger.serverNowMs()),
  );
}
