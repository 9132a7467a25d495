/** A process that sends paced requests to a model server, as the Graph client would: for pacing tests on a virtual clock. */
import type { Demand, Pacer } from '../../src/domain/pacer.ts';
import type { Clock } from '../../src/domain/ports.ts';
import type { Priority } from '../../src/domain/request-class.ts';
import type { QuotaServer } from './quota-server.ts';

export interface WriterOptions {
  readonly pacer: Pacer;
  readonly clock: Clock;
  readonly server: QuotaServer;
  readonly requests: number;
  readonly concurrency: number;
  readonly latencyMs: () => number;
  /** Where on its way, 0 to 1, a request reaches the server. */
  readonly reaches: () => number;
  readonly demand?: Demand;
  readonly priority?: Priority;
  /** Value of Retry-After; absent by default. */
  readonly retryAfterMs?: () => number | undefined;
  /** Stops everything, as a crash does: nothing is answered any more. */
  readonly crash?: AbortSignal;
  readonly startedAtMs?: number[];
}

/** What happened. */
export interface WriterResult {
  readonly accepted: number;
  /** Instants of the 429s' arrival at the server. */
  readonly throttledAtMs: readonly number[];
  readonly acceptedAtMs: readonly number[];
  /** From the first start to the last answer. */
  readonly firstStartMs: number;
  readonly lastAnswerMs: number;
}

/** Sends until all are accepted. A request that is throttled is sent again. */
export async function sendPaced(options: WriterOptions): Promise<WriterResult> {
  const { pacer, clock, server, latencyMs, reaches, demand = { write: 1, any: 1 }, priority = 'bulk' } = options;
  const signal = options.crash ?? new AbortController().signal;
  const throttledAtMs: number[] = [];
  const acceptedAtMs: number[] = [];
  let firstStartMs = Number.POSITIVE_INFINITY;
  let lastAnswerMs = 0;
  let left = options.requests;

  async function sendOne(): Promise<void> {
    for (;;) {
      const permit = await pacer.acquire(demand, { priority, deadlineAtMs: Number.MAX_SAFE_INTEGER, signal });
      const sentAtMs = clock.nowMs();
      options.startedAtMs?.push(sentAtMs);
      firstStartMs = Math.min(firstStartMs, sentAtMs);
      const wholeMs = latencyMs();
      const thereMs = wholeMs * reaches();
      await clock.sleep(thereMs, signal);
      const atMs = clock.nowMs();
      const accepted = server.admit(atMs);
      (accepted ? acceptedAtMs : throttledAtMs).push(atMs);
      await clock.sleep(wholeMs - thereMs, signal);
      lastAnswerMs = Math.max(lastAnswerMs, clock.nowMs());
      permit.answered();
      if (accepted) return;
      await pacer.throttled('write', options.retryAfterMs?.(), sentAtMs);
    }
  }

  async function work(): Promise<void> {
    while (left > 0) {
      left -= 1;
      await sendOne();
    }
  }

  const workers = Array.from({ length: options.concurrency }, work);
  const outcomes = await Promise.allSettled(workers);
  if (!signal.aborted) for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  return { accepted: acceptedAtMs.length, throttledAtMs, acceptedAtMs, firstStartMs, lastAnswerMs };
}
