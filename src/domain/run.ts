/** A run and its slices: what a run remembers between invocations. Layer: domain. */
import type { RunId, SliceId, TenantId } from './ids.ts';
import type { RotationState, SkipReason } from './rotation.ts';
import type { RotationTarget } from './targets.ts';

/** `planning → rotating → settling → completed | aborted`. */
export const RUN_STATES = ['planning', 'rotating', 'settling', 'completed', 'aborted'] as const;
export type RunState = (typeof RUN_STATES)[number];

/** Who asked: the timer, a message on `rotation-requests`, or a person at the command line. */
export type RunTrigger = 'schedule' | 'onDemand' | 'commandLine';

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
  readonly createdAtMs: number;
  /** Seeds the choice of canaries. */
  readonly seed: number;
  /** Raised by one whenever an owner hands over. A message with a smaller number is done already. */
  readonly checkpoint: number;
  /** Planning: the plan whose rows are the run's; set once, by one conditional write of the plan blob. */
  readonly planId?: string;
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
  readonly finishedAtMs?: number;
  readonly abortReason?: AbortReason;
  /** Final counts, once finished. */
  readonly finalCounts?: StateCounts;
  /** The owner of the run, and until when (storage server's clock). */
  readonly leaseOwner?: string;
  readonly leaseUntilMs?: number;
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
