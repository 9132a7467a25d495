/** Counts what the client did, for the summary line. Layer: graph. */

import type { Budget } from '../domain/request-class.ts';
import type { TenantUsage } from '../domain/tenant.ts';

/** Written by the attempts, read by the tenant. */
export interface Meter {
  /** A request left, using `writes` slots of the write budget. */
  sent(nowMs: number, writes: number): void;
  /** Graph answered 429, to a request or to one part of a batch. */
  throttled(): void;
  /** Something is sent a second time. */
  retried(): void;
  /** `waitMs`: what the pacer says was waited. */
  read(waitMs: number): TenantUsage;
}

/** Starts at zero. */
export function createMeter(writeBudget: Budget): Meter {
  let requests = 0;
  let throttled = 0;
  let retries = 0;
  let writes = 0;
  let firstWriteAtMs = 0;
  let lastWriteAtMs = 0;

  /** Writes sent, as a share of the slots there were between the first and the end of the last one's window. */
  function writeUtilisation(): number {
    const windows = (lastWriteAtMs - firstWriteAtMs) / writeBudget.windowMs + 1;
    return Math.min(1, writes / (writeBudget.limit * windows));
  }

  return {
    sent(nowMs, writeSlots) {
      requests += 1;
      if (writeSlots === 0) return;
      if (writes === 0) firstWriteAtMs = nowMs;
      lastWriteAtMs = nowMs;
      writes += writeSlots;
    },
    throttled() {
      throttled += 1;
    },
    retried() {
      retries += 1;
    },
    read: (waitMs) => ({
      requests,
      throttled,
      retries,
      waitMs,
      ...(writes === 0 ? {} : { writeUtilisation: writeUtilisation() }),
    }),
  };
}
