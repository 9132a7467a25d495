/** What a run waits for and when it ends, from the ledger, for people and scripts. Reads only. Layer: app. */

import type { Run, StateCounts } from '../domain/run.ts';
import { type Looks, looksOf, type RunOutlook, runOutlook } from '../domain/run-outlook.ts';
import type { Deps } from './deps.ts';
import { isLeased } from './run-lease.ts';

/** What reading it needs; the mode is that of the settings, and need not be that of who carries the run on. */
export type OutlookDeps = Pick<Deps, 'ledger' | 'settings' | 'clock'>;

/** Instants as ISO 8601, in UTC. */
export interface OutlookReport {
  readonly waitingFor: { readonly kind: RunOutlook['waitingFor']['kind']; readonly until?: string };
  readonly settled: number;
  readonly toAsk: number;
  /** As of `RunOutlook`. */
  readonly needsLive: boolean;
  readonly sendingEndsAt?: string;
  readonly endsBy?: string;
}

/** @param counts those of the run's report. @throws {StorageError} */
export async function reportOutlook(deps: OutlookDeps, run: Run, counts: StateCounts): Promise<OutlookReport> {
  const { settings } = deps;
  const nowMs = deps.clock.nowMs();
  const outlook = runOutlook({
    run,
    counts,
    looks: await looksOfRun(deps, run, nowMs),
    isHeld: isLeased(run, deps.ledger.serverNowMs()),
    mode: settings.mode,
    settings,
    nowMs,
  });
  const { waitingFor, sendingEndsAtMs, endsByMs } = outlook;
  return {
    waitingFor: {
      kind: waitingFor.kind,
      ...('untilMs' in waitingFor ? { until: new Date(waitingFor.untilMs).toISOString() } : {}),
    },
    settled: outlook.settled,
    toAsk: outlook.toAsk,
    needsLive: outlook.needsLive,
    ...(sendingEndsAtMs === undefined ? {} : { sendingEndsAt: new Date(sendingEndsAtMs).toISOString() }),
    ...(endsByMs === undefined ? {} : { endsBy: new Date(endsByMs).toISOString() }),
  };
}

async function looksOfRun({ ledger, settings }: OutlookDeps, run: Run, nowMs: number): Promise<Looks> {
  if (run.finishedAtMs !== undefined || run.due === 0) return {};
  let nextAtMs = Number.POSITIVE_INFINITY;
  let lastAtMs = Number.NEGATIVE_INFINITY;
  for await (const { value } of ledger.listSlices(run.runId, { state: 'open' })) {
    const looks = looksOf(value, settings.confirmScheduleMs, nowMs);
    nextAtMs = Math.min(nextAtMs, looks.nextAtMs);
    lastAtMs = Math.max(lastAtMs, looks.lastAtMs);
  }
  return Number.isFinite(nextAtMs) ? { nextAtMs, lastAtMs } : {};
}
