/** The storage server's clock, estimated from the `Date` of its answers. Layer: storage adapter. */
import type { Clock } from '../domain/ports.ts';

/** Shared by everything that talks to one account: leases, claims and slots are compared in its time. */
export interface ServerClock {
  /** Ms since the epoch on the server; good to about a second once an answer came, our own clock before. */
  nowMs(): number;
  /** One answer: its `Date` header, and when, on our clock, the request left and the answer came. */
  observe(dateHeader: string | undefined, sentAtMs: number, receivedAtMs: number): void;
}

/** `Date` has whole seconds, cut off. Source: RFC 9110, section 5.6.7 (read 2026-11-22). */
const DATE_RESOLUTION_MS = 1_000;

/**
 * Each answer bounds how far the server is ahead of us: it was made between sending and receiving, within the second it names.
 * The bounds of all answers together are used; 0 while it lies between them, else the nearest bound, so that clocks that agree are
 * left alone. An answer that contradicts the others means that a clock was set: it starts anew.
 */
export function createServerClock(clock: Clock): ServerClock {
  let leastMs = Number.NEGATIVE_INFINITY;
  let mostMs = Number.POSITIVE_INFINITY;

  return {
    nowMs: () => clock.nowMs() + Math.min(Math.max(0, leastMs), mostMs),

    observe(dateHeader, sentAtMs, receivedAtMs) {
      const dateMs = dateHeader === undefined ? Number.NaN : Date.parse(dateHeader);
      if (Number.isNaN(dateMs)) return;
      const least = dateMs - receivedAtMs;
      const most = dateMs + DATE_RESOLUTION_MS - sentAtMs;
      if (least > mostMs || most < leastMs) {
        leastMs = least;
        mostMs = most;
      } else {
        leastMs = Math.max(leastMs, least);
        mostMs = Math.min(mostMs, most);
      }
    },
  };
}
