/** What one invocation did: the line that dashboards and alerts are built on. Layer: domain. */
import type { RunId, SliceId, TenantId } from './ids.ts';
import type { StateCounts } from './run.ts';

/** `done`: nothing is left for this work. `handedOver`: another message carries it on. `faulted`: it threw, and will be delivered again. */
export type InvocationOutcome = 'done' | 'handedOver' | 'faulted';

/** Field names are queried in Application Insights: renaming one breaks somebody's alert. */
export interface InvocationSummary {
  readonly functionName: string;
  readonly tenantId: TenantId;
  /** Absent when there was no run to work on. */
  readonly runId?: RunId;
  /** Of a look: the counts are those of this slice. */
  readonly sliceId?: SliceId;
  readonly outcome: InvocationOutcome;
  /** Devices per state at the end of the invocation. */
  readonly counts: StateCounts;
  /** HTTP requests to Graph; a `$batch` is one. */
  readonly requests: number;
  /** How many answers were 429. */
  readonly throttled: number;
  readonly retries: number;
  /** Waited for quota, summed over requests. */
  readonly waitMs: number;
  /** Share of the write budget used while rotating, 0 to 1; absent when nothing was written. */
  readonly writeUtilisation?: number;
  readonly durationMs: number;
}
