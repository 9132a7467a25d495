/** Holds the fleet back until the canaries are proven. Layer: app. */
import { type CanaryDecision, decideCanary } from '../domain/canary.ts';
import type { Versioned } from '../domain/ledger.ts';
import { addCounts, type Slice } from '../domain/run.ts';
import type { Bounds, Deps } from './deps.ts';
import { lookAtSlice } from './record-slice.ts';
import type { RunLease } from './run-lease.ts';

/** Time for a look that falls due to be over before its result is read. Chosen: 2 % of the first delay, within 0.25 to 30 s. */
function settlingTimeMs(deps: Deps): number {
  return Math.min(30_000, Math.max(250, (deps.settings.confirmScheduleMs[0] ?? 0) * 0.02));
}

/** Whether the fleet may follow. At the end of the wait the canaries are looked at once more. @throws {GraphError} */
export async function decideOnCanaries(deps: Deps, lease: RunLease, bounds: Bounds): Promise<CanaryDecision> {
  const decision = await decideNow(deps, lease);
  if (decision.kind !== 'abort' || !isWaitOver(deps, lease)) return decision;
  for (const slice of await canarySlices(deps, lease)) {
    if (slice.value.state === 'open') await lookAtSlice(deps, lease.run(), slice, bounds, 'extra');
  }
  return decideNow(deps, lease);
}

async function decideNow(deps: Deps, lease: RunLease): Promise<CanaryDecision> {
  const run = lease.run();
  const slices = await canarySlices(deps, lease);
  const nowMs = deps.clock.nowMs();
  const serverAheadMs = deps.ledger.serverNowMs() - nowMs;
  const open = slices.filter(({ value }) => value.state === 'open').map(({ value }) => value.dueAtMs - serverAheadMs);
  return decideCanary({
    counts: addCounts(...slices.map((slice) => slice.value.counts)),
    minProven: deps.settings.canaryMinProven,
    sentAtMs: run.canarySentAtMs ?? nowMs,
    waitMs: deps.settings.canaryWaitMs,
    ...(open.length === 0 ? {} : { nextLookAtMs: Math.max(nowMs, Math.min(...open)) + settlingTimeMs(deps) }),
    followers: run.due - run.canaries,
    nowMs,
  });
}

function isWaitOver(deps: Deps, lease: RunLease): boolean {
  const sentAtMs = lease.run().canarySentAtMs;
  return sentAtMs !== undefined && deps.clock.nowMs() >= sentAtMs + deps.settings.canaryWaitMs;
}

async function canarySlices(deps: Deps, lease: RunLease): Promise<readonly Versioned<Slice>[]> {
  const slices: Versioned<Slice>[] = [];
  for await (const slice of deps.ledger.listSlices(lease.run().runId, {})) if (slice.value.canary) slices.push(slice);
  return slices;
}
