/** How far a run is, what it waits for, and when it ends: from the quota and the looks to come, never from how fast it went so far. Pure. Layer: domain. */
import type { Budget } from './request-class.ts';
import type { Run, Slice, StateCounts } from './run.ts';
import { sendingBudget } from './run-throttling.ts';
import type { RotationMode, Settings } from './settings.ts';

/**
 * - `canary`: at the latest then it is decided whether the fleet follows. `quota`: requests leave as fast as the tenant allows.
 * - `mode`: nothing more is sent but by somebody who is live. `look`: the next one falls due then.
 * - `owner`: nobody holds it; a message on its way, or the next tick, carries it on.
 */
export type Waiting =
  | { readonly kind: 'nothing' | 'plan' | 'mode' | 'owner' }
  | { readonly kind: 'notBefore' | 'quota' | 'canary' | 'look'; readonly untilMs: number };

export interface RunOutlook {
  readonly waitingFor: Waiting;
  /** Of the due devices, those with nothing to come. */
  readonly settled: number;
  /** Of the due devices, those still to be asked. */
  readonly toAsk: number;
  /** Nobody holds it, and who has this mode would send nothing of `toAsk`; a live process may be about to take it up again all the same. */
  readonly needsLive: boolean;
  /** When the last request can have left, the canary's longest wait included. Absent: nothing is to be asked, or nobody can tell. */
  readonly sendingEndsAtMs?: number;
  /** When the last look falls due; a run whose devices are settled earlier ends earlier. Absent: it has ended, or nobody can tell. */
  readonly endsByMs?: number;
}

/** When the looks of a run's open slices fall due. Absent: none is open. */
export interface Looks {
  readonly nextAtMs?: number;
  readonly lastAtMs?: number;
}

export interface OutlookFacts {
  readonly run: Run;
  readonly counts: StateCounts;
  readonly looks: Looks;
  /** A live owner works on it right now. */
  readonly isHeld: boolean;
  /** The mode of whoever asks, which need not be that of who carries it on. */
  readonly mode: RotationMode;
  readonly settings: Pick<Settings, 'budgets' | 'confirmScheduleMs' | 'canaryWaitMs'>;
  readonly nowMs: number;
}

/** The least that `count` requests take. Source: design, "Pacing": `⌊(N − 1) / limit⌋ × window`. */
export function leastSendingMs(count: number, { limit, windowMs }: Budget): number {
  return count <= 0 ? 0 : Math.floor((count - 1) / limit) * windowMs;
}

/** When the look of the slice falls due, and the last one after it. A look that is late is due now. */
export function looksOf(
  slice: Pick<Slice, 'look' | 'dueAtMs'>,
  confirmScheduleMs: readonly number[],
  nowMs: number,
): Required<Looks> {
  const nextAtMs = Math.max(nowMs, slice.dueAtMs);
  return { nextAtMs, lastAtMs: nextAtMs + sum(confirmScheduleMs.slice(slice.look + 1)) };
}

export function runOutlook(facts: OutlookFacts): RunOutlook {
  const { run, counts } = facts;
  const toAsk = isToAsk(run) ? (counts.planned ?? 0) + (counts.claimed ?? 0) : 0;
  const inSight = (counts.requested ?? 0) + (counts.uncertain ?? 0) + (counts.confirmed ?? 0);
  const unasked = (counts.planned ?? 0) + (counts.claimed ?? 0);
  const planned = run.state !== 'planning';
  const needsLive = toAsk > 0 && facts.mode !== 'live' && !facts.isHeld;
  const progress = { settled: planned ? Math.max(0, run.due - inSight - unasked) : 0, toAsk, needsLive };
  const waitingFor = waitingOf(facts, needsLive);
  if (waitingFor.kind === 'nothing' || needsLive || !planned) return { ...progress, waitingFor };
  const sendingEndsAtMs = toAsk === 0 ? undefined : sendingEnd(facts, toAsk);
  const ends = [
    ...(facts.looks.lastAtMs === undefined ? [] : [facts.looks.lastAtMs]),
    ...(sendingEndsAtMs === undefined ? [] : [sendingEndsAtMs + sum(facts.settings.confirmScheduleMs)]),
  ];
  return {
    ...progress,
    waitingFor:
      waitingFor.kind === 'quota' && sendingEndsAtMs !== undefined
        ? { kind: 'quota', untilMs: sendingEndsAtMs }
        : waitingFor,
    ...(sendingEndsAtMs === undefined ? {} : { sendingEndsAtMs }),
    ...(ends.length === 0 ? {} : { endsByMs: Math.max(...ends) }),
  };
}

function isToAsk({ mode, state, abortReason }: Run): boolean {
  return mode === 'live' && abortReason === undefined && (state === 'rotating' || state === 'settling');
}

function waitingOf({ run, looks, isHeld, settings, nowMs }: OutlookFacts, needsLive: boolean): Waiting {
  if (run.state === 'completed' || run.state === 'aborted') return { kind: 'nothing' };
  if (run.state === 'planning') {
    const untilMs = run.notBeforeMs ?? 0;
    return untilMs > nowMs ? { kind: 'notBefore', untilMs } : { kind: isHeld ? 'plan' : 'owner' };
  }
  const { canarySentAtMs } = run;
  if (run.state === 'rotating' && canarySentAtMs !== undefined && !run.canaryPassed)
    return { kind: 'canary', untilMs: canarySentAtMs + settings.canaryWaitMs };
  if (needsLive) return { kind: 'mode' };
  if (run.state === 'rotating') return isHeld ? { kind: 'quota', untilMs: nowMs } : { kind: 'owner' };
  if (looks.nextAtMs !== undefined) return { kind: 'look', untilMs: looks.nextAtMs };
  return { kind: 'owner' };
}

/** The fleet follows the canaries at the latest when their wait is over. */
function sendingEnd({ run, settings, nowMs }: OutlookFacts, toAsk: number): number {
  const budget = sendingBudget(settings.budgets);
  if (run.state !== 'rotating' || run.canaryPassed) return nowMs + leastSendingMs(toAsk, budget);
  const followers = Math.min(toAsk, run.due - run.canaries);
  const canariesSentMs = run.canarySentAtMs ?? nowMs + leastSendingMs(toAsk - followers, budget);
  return Math.max(nowMs, canariesSentMs + settings.canaryWaitMs) + leastSendingMs(followers, budget);
}

function sum(all: readonly number[]): number {
  return all.reduce((total, one) => total + one, 0);
}
