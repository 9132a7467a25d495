/** Finds the slices of a run whose look has fallen due and looks at them. Layer: cli. */
import type { Bounds, Deps } from '../../app/deps.ts';
import { recordSlice } from '../../app/record-slice.ts';
import type { RunId, SliceId } from '../../domain/ids.ts';
import type { Slice } from '../../domain/run.ts';

export interface Looks {
  /** Looks at every slice that is due, one after the other. True when it looked at any. @throws {GraphError} */
  lookAtDue(bounds: () => Bounds): Promise<boolean>;
  /** When the next look falls due; absent when none is open. */
  nextDueAtMs(): Promise<number | undefined>;
  /** True when nothing is left to send and something is left to look at. */
  areAllThatIsLeft(): Promise<boolean>;
}

/** A slice that could not be looked at is left alone this long, at most. */
const RETRY_MS = 60_000;

/** The ledger is asked each time: another process may be looking too, and a look done twice changes nothing. */
export function createLooks(deps: Deps, runId: RunId): Looks {
  const notBefore = new Map<SliceId, number>();

  async function openSlices(): Promise<readonly { readonly slice: Slice; readonly atMs: number }[]> {
    const open: { readonly slice: Slice; readonly atMs: number }[] = [];
    const serverAheadMs = deps.ledger.serverNowMs() - deps.clock.nowMs();
    for await (const { value: slice } of deps.ledger.listSlices(runId, { state: 'open' })) {
      open.push({ slice, atMs: Math.max(slice.dueAtMs - serverAheadMs, notBefore.get(slice.sliceId) ?? 0) });
    }
    return open.sort((a, b) => a.atMs - b.atMs);
  }

  return {
    async lookAtDue(bounds) {
      let looked = false;
      for (const { slice, atMs } of await openSlices()) {
        const { signal, deadlineAtMs } = bounds();
        if (atMs > deps.clock.nowMs() || signal.aborted) break;
        const { tenantId } = deps.settings;
        const message = { tenantId, runId, sliceId: slice.sliceId, look: slice.look };
        const progress = await recordSlice(deps, message, { signal, deadlineAtMs });
        if (progress === 'later') {
          notBefore.set(slice.sliceId, deps.clock.nowMs() + Math.min(RETRY_MS, deps.timing.outageRetryMs));
        } else looked = true;
      }
      if (looked) await deps.pacer.flush();
      return looked;
    },
    nextDueAtMs: async () => (await openSlices())[0]?.atMs,
    async areAllThatIsLeft() {
      for await (const _slice of deps.ledger.listSlices(runId, { state: 'again' })) return false;
      return (await openSlices()).length > 0;
    },
  };
}
