/** The pacer as the Graph adapter sees it: nothing leaves without a permit. Layer: domain (port). */
import type { ThrottlePause } from './budget-state.ts';
import type { CallOptions } from './ports.ts';
import type { RequestClass } from './request-class.ts';

/** Slots wanted in each class a request counts in: `{ write: 1, any: 1 }`; a `$batch` counts part by part: `{ any: 13 }`. */
export type Demand = Readonly<Partial<Record<RequestClass, number>>>;

/** Held from the moment the request may start. Exactly one of the two must be called. */
export interface Permit {
  /** The answer arrived, or the request was given up: the slots free up one window from now. */
  answered(): void;
  /** Nothing was sent: the slots are free at once. */
  unused(): void;
}

/** What pacing did since the pacer was made. */
export interface PacerUsage {
  /** Summed over acquisitions. */
  readonly waitMs: number;
  readonly throttled: number;
  /** Slots used per class. */
  readonly used: Readonly<Record<RequestClass, number>>;
}

export interface Pacer {
  /**
   * Waits for quota in every class of `demand`, on-demand work first. A demand above a class's limit is refused (`RangeError`).
   * @throws {GraphError} kind `throttled` with `retryAfterMs` when the wait would go past `options.deadlineAtMs`.
   * @throws the signal's reason when aborted.
   */
  acquire(demand: Demand, options: CallOptions): Promise<Permit>;
  /**
   * A 429 came: pauses the class for everyone for max(retryAfterMs, one window when absent), and backs off.
   * `sentAtMs`: when that request left (our clock). 429s of requests sent before the last pause ended are one event; without it, those
   * that arrive during the pause are.
   * @throws {StorageError} when the others cannot be told; this process pauses all the same.
   */
  throttled(requestClass: RequestClass, retryAfterMs: number | undefined, sentAtMs?: number): Promise<void>;
  /** A scheduled run starts to rotate: goes back to eager when it was another run that made the pace smooth. */
  beginRun(runId: string): Promise<void>;
  /** Reports what was used and gives back what was not, so that other instances see it. Call before an invocation ends. */
  flush(): Promise<void>;
  /**
   * The latest pauses of a class, whoever's 429s they came with, as this process last saw the shared row; it is read only when it was
   * never seen. In the storage server's clock. @throws {StorageError}
   */
  recentPauses(requestClass: RequestClass): Promise<readonly ThrottlePause[]>;
  /** The largest demand a class can ever grant. */
  limitOf(requestClass: RequestClass): number;
  usage(): PacerUsage;
}
