/** A run and its slices: what a run remembers between invocations. Layer: domain. */
import type { RunId, SliceId, TenantId } from './ids.ts';
import type { RotationState, SkipReason } from './rotation.ts';
import type { RunSettings } from './run-settings.ts';
import type { RunThrottling } from './run-throttling.ts';
import type { RotationTarget } from './targets.ts';

/** `planning → rotating → settling → completed | aborted`. */
export const RUN_STATES = ['planning', 'rotating', 'settling', 'completed', 'aborted'] as const;
export type RunState = (typeof RUN_STATES)[number];

/** Who asked: the timer, a message on `rotation-requests`, a person at the command line, or `keyturn requeue` for what another run gave up. */
export const RUN_TRIGGERS = ['schedule', 'onDemand', 'commandLine', 'requeue'] as const;
export type RunTrigger = (typeof RUN_TRIGGERS)[number];

/** Why a run was aborted. */
export type AbortReason = 'canaryFailed' | 'circuitBreaker';

/** How many rotations are in each state. The sum is the number of devices. */
export type StateCounts = Readonly<Partial<Record<RotationState, number>>>;

export interface Run {
  readonly tenantId: TenantId;
  readonly runId: RunId;
  readonly trigger: RunTrigger;
  /** Planned live or dry, for good. */
  readonly mode: 'live' | 'dryRun';
  readonly state: RunState;
  /** The devices asked for. Absent: the whole fleet. */
  readonly targets?: readonly RotationTarget[];
  /** Targets that named no device, in words; they are no part of the counts. */
  readonly unresolved?: readonly string[];
  readonly reason?: string;
  readonly requestedBy?: string;
  /** Nothing is planned before then. */
  readonly notBeforeMs?: number;
  readonly createdAtMs: number;
  /** Seeds the choice of canaries. */
  readonly seed: number;
  /** Raised by one whenever an owner hands over. A message with a smaller number is done already. */
  readonly checkpoint: number;
  /** Planning: the plan whose rows are the run's; set once, by one conditional write of the plan blob. */
  readonly planId?: string;
  /** As of that plan. Absent: not planned yet, or by an older version. */
  readonly settings?: RunSettings;
  /** Rows written so far of that plan. */
  readonly rowsWritten: number;
  /** When recovery-key metadata was last listed for this run. */
  readonly keysListedAtMs?: number;
  readonly devices: number;
  readonly due: number;
  readonly notDue: number;
  readonly skipped: Readonly<Partial<Record<SkipReason, number>>>;
  readonly canaries: number;
  /** Order of the next due row to claim. */
  readonly nextOrder: number;
  /** When the last canary was sent; the wait counts from here. */
  readonly canarySentAtMs?: number;
  /** Set once the fleet may follow. */
  readonly canaryPassed: boolean;
  readonly rotatingStartedAtMs?: number;
  readonly rotatingEndedAtMs?: number;
  /** What Graph throttled while it asked. Absent: it has not asked yet, or an older version did. */
  readonly throttling?: RunThrottling;
  readonly finishedAtMs?: number;
  readonly abortReason?: AbortReason;
  /** Final counts, once finished. */
  readonly finalCounts?: StateCounts;
  /** The latest evidence file. */
  readonly evidence?: RunEvidence;
  /** How often late outcomes were added to its rotations. */
  readonly lateNotices?: number;
  /** What was posted of it to the webhook. Absent: nothing, or there is none. */
  readonly notified?: RunNotices;
  /** The owner of the run, and until when (storage server's clock). */
  readonly leaseOwner?: string;
  readonly leaseUntilMs?: number;
}

/** An evidence file of a run, and what it must hash to. */
export interface RunEvidence {
  /** From 1; a later one never replaces an earlier one. */
  readonly version: number;
  /** In all, heading and last line included. */
  readonly lines: number;
  /** The hash of its last line, which covers every byte before it; lower-case hexadecimal. */
  readonly digest: string;
  /** The run's `lateNotices` when it was begun: what was added later is not in it. */
  readonly lateNotices: number;
}

/** When each event of a run was posted, or given up on (our clock): none is posted again. */
export interface RunNotices {
  readonly endedAtMs?: number;
  readonly abortedAtMs?: number;
  readonly dangerAtMs?: number;
  /** When somebody began to post that; without `dangerAtMs` by now, they died over it. */
  readonly dangerBegunAtMs?: number;
  /** When the webhook failed first; said in the log once. */
  readonly failedAtMs?: number;
}

/** True when late outcomes were added since the latest evidence was begun, or the run had to end without any: a version is due. */
export function isEvidenceDue(run: Pick<Run, 'state' | 'evidence' | 'lateNotices'>): boolean {
  const { evidence, lateNotices = 0 } = run;
  return lateNotices > (evidence?.lateNotices ?? 0) || (hasEnded(run) && evidence === undefined);
}

/** True for a run that is over, one way or the other. */
export function hasEnded({ state }: Pick<Run, 'state'>): boolean {
  return state === 'completed' || state === 'aborted';
}

/** No earlier than this anything of the run can have been planned. Our clock. */
export function plannedFromMs({ createdAtMs, notBeforeMs = 0 }: Pick<Run, 'createdAtMs' | 'notBeforeMs'>): number {
  return Math.max(createdAtMs, notBeforeMs);
}

/** `again`: its rotations are due for another request. `open`: has looks to come. `closed`: all its rotations are terminal. */
export type SliceState = 'again' | 'open' | 'closed';

/** Up to 100 rotations that settle together. Every rotation that left `planned` is in exactly one slice. */
export interface Slice {
  readonly sliceId: SliceId;
  readonly state: SliceState;
  /** Orders of its rotations, ascending; at most 100, none once all of them are due again. */
  readonly orders: readonly number[];
  readonly canary: boolean;
  /** Number of the next look, from 0. */
  readonly look: number;
  /** When that look falls due, in the storage server's clock, as its message's delay is. */
  readonly dueAtMs: number;
  readonly counts: StateCounts;
  /** Rotations beyond their skip reason: losers of a claim, and the like. */
  readonly skipped: Readonly<Partial<Record<SkipReason, number>>>;
}

/** Sum of counts. */
export function addCounts(...all: readonly StateCounts[]): StateCounts {
  const sum: Partial<Record<RotationState, number>> = {};
  for (const counts of all) {
    for (const [state, n] of Object.entries(counts) as [RotationState, number][]) {
      if (n !== 0) sum[state] = (sum[state] ?? 0) + n;
    }
  }
  return sum;
}

/** The slice's id: seven-digit order of its first rotation, and the attempt. */
export function sliceIdOf(firstOrder: number, attempt: number): SliceId {
  return `${String(firstOrder).padStart(7, '0')}-${attempt}` as SliceId;
}
