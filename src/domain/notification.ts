/** What is posted to a webhook when a run ends, is aborted, or finds a dangerous device: ids and counts only. Layer: domain. */
import type { EntraDeviceId, RunId, TenantId } from './ids.ts';
import type { SkipReason } from './rotation.ts';
import type { Run, RunEvidence, StateCounts } from './run.ts';

/** `json`: the notification as it is. `teams`: an Adaptive Card, as Teams workflows take it. */
export const NOTIFY_FORMATS = ['json', 'teams'] as const;
export type NotifyFormat = (typeof NOTIFY_FORMATS)[number];

/**
 * - `runEnded`: completed, or aborted and settled. `runAborted`: nothing more is asked for; looks go on.
 * - `deviceInDanger`: the action of at least one device is done, and a later look found no newer key in escrow.
 */
export type NotificationEvent = 'runEnded' | 'runAborted' | 'deviceInDanger';

/** No name, no user, no text of a request: whoever reads the channel may not be who may read the ledger. */
export interface RunNotification {
  readonly event: NotificationEvent;
  readonly tenantId: TenantId;
  readonly runId: RunId;
  readonly trigger: Run['trigger'];
  readonly mode: Run['mode'];
  readonly state: Run['state'];
  readonly abortReason?: Run['abortReason'];
  /** ISO 8601, our clock. */
  readonly at: string;
  readonly devices: number;
  readonly due: number;
  /** Adds up to `devices`; as in the log and the evidence. */
  readonly counts: StateCounts;
  readonly skipped: Readonly<Partial<Record<SkipReason, number>>>;
  /** Devices that rotated and have no newer key in escrow: with `deviceInDanger` those found just now, else all of the run. */
  readonly rotatedWithoutKey: number;
  /** The first of them, at most `MOST_IDS`. */
  readonly rotatedWithoutKeyIds: readonly EntraDeviceId[];
  /** With `runEnded`: what the evidence file must hash to. */
  readonly evidence?: Pick<RunEvidence, 'version' | 'lines' | 'digest'>;
}

/** Chosen: enough to begin with; a card for Teams holds 28 KB. */
export const MOST_IDS = 20;

/** `because`: in words that hold no part of the address. */
export type NotifyOutcome =
  | { readonly kind: 'sent' }
  | { readonly kind: 'failed'; readonly because: string; readonly status?: number };

/** Posts notifications. Tries again within half a minute at most, and never throws. */
export interface Notifier {
  /** An aborted `signal` ends it. What was posted but not answered may be posted twice. */
  send(notification: RunNotification, signal: AbortSignal): Promise<NotifyOutcome>;
}
