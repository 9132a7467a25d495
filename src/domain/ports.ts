/** Time, randomness, the log, and how a call is bounded: what every layer needs from the world. Layer: domain (port). */
import type { LogFields } from './log-fields.ts';
import type { Priority } from './request-class.ts';

/** Time and waiting. The only source of both. */
export interface Clock {
  /** Milliseconds since the epoch. */
  nowMs(): number;
  /** Resolves after `ms` (at once when 0 or less). @throws the signal's reason when aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Randomness; seeded in tests. */
export interface Random {
  /** In [0, 1). */
  next(): number;
  /** A fresh version-4 GUID, lower case. */
  guid(): string;
}

export type { LogFields };

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  child(bindings: LogFields): Logger;
}

/** Bounds on one call: it ends by then, whatever Graph does. */
export interface CallOptions {
  readonly priority: Priority;
  /** Do not wait for quota or retries past this instant (our clock); the call then fails with kind `throttled` and the remaining delay. */
  readonly deadlineAtMs: number;
  readonly signal: AbortSignal;
  /**
   * For reads: a 5xx, timeout or reset is asked about again for so long after the first one, ms; absent: as often as there are attempts.
   * Quota is waited for all the same.
   */
  readonly retryForMs?: number;
}
