/** What every use case is given. Layer: app. */

import type { Ledger } from '../domain/ledger.ts';
import type { Limiter } from '../domain/limiter.ts';
import type { ManagedDevice } from '../domain/managed-device.ts';
import type { Notifier } from '../domain/notification.ts';
import type { Pacer } from '../domain/pacer.ts';
import type { CallOptions, Clock, Logger, Random } from '../domain/ports.ts';
import type { Queues } from '../domain/queues.ts';
import type { Priority } from '../domain/request-class.ts';
import type { RotationMode, Settings } from '../domain/settings.ts';
import type { ReportFiles, WorkFiles } from '../domain/stored-files.ts';
import type { Tenant } from '../domain/tenant.ts';

/** Durations of our own machinery. Chosen values are in `DEFAULT_TIMING`; tests that wait in real time shorten them. */
export interface Timing {
  /** A dead owner holds its run up for at most this. */
  readonly leaseMs: number;
  /** A claim is sent within this or given back. */
  readonly sendWithinMs: number;
  /** How long after the send deadline a request may still be on its way. */
  readonly inFlightMs: number;
  /** How long to wait before trying again after Graph was unavailable. */
  readonly outageRetryMs: number;
}

/**
 * Lease: short enough that a restart right after a crash waits at most 10 s, long enough for three renewals.
 * Send within: three blocks at the slowest pace worth waiting for. In flight: the request timeout of 30 s, doubled.
 */
export const DEFAULT_TIMING: Timing = {
  leaseMs: 10_000,
  sendWithinMs: 120_000,
  inFlightMs: 60_000,
  outageRetryMs: 300_000,
};

export interface Deps {
  readonly settings: Settings;
  /** The mode now: an app switched to `dryRun` or `off` sends no request, whatever run is in progress. */
  readonly mode: () => RotationMode;
  readonly tenant: Tenant;
  readonly ledger: Ledger;
  readonly queues: Queues;
  readonly workFiles: WorkFiles;
  readonly reportFiles: ReportFiles;
  /** Absent without a webhook. */
  readonly notifier?: Notifier;
  readonly pacer: Pick<Pacer, 'beginRun' | 'flush' | 'recentPauses'>;
  readonly limiter: Limiter;
  readonly isExcluded: (device: ManagedDevice) => boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly timing: Timing;
  /** Of Keyturn. */
  readonly version: string;
}

/** Bounds of one invocation. */
export interface Bounds {
  /** Stop taking work then, save the checkpoint and hand over. Our clock. */
  readonly deadlineAtMs: number;
  /** Aborted when the host stops: stop taking work at once. */
  readonly signal: AbortSignal;
}

/** Call options for work on behalf of a run. */
export function callOptions(bounds: Bounds, priority: Priority): CallOptions {
  return { priority, deadlineAtMs: bounds.deadlineAtMs, signal: bounds.signal };
}

/** True when the invocation should take no more work. */
export function isOver(deps: Pick<Deps, 'clock'>, bounds: Bounds): boolean {
  return bounds.signal.aborted || deps.clock.nowMs() >= bounds.deadlineAtMs;
}
