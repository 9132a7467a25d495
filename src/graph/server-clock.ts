/** What Graph's clock can have said while one request was on its way. Layer: graph. */
import { parseHttpDate } from '../domain/retry-after.ts';

/** An interval of Graph's clock, in ms since the epoch. */
export interface ServerInterval {
  readonly earliestMs: number;
  readonly latestMs: number;
}

/** One request and its answer, in our clock, and the answer's `Date` header. */
export interface Exchange {
  readonly date: string | undefined;
  readonly sentAtMs: number;
  readonly receivedAtMs: number;
}

/** Learns the distance between Graph's clock and ours from answers, for the answer that has no `Date`. */
export interface ServerClock {
  /** The interval in which Graph handled this exchange. */
  observe(exchange: Exchange): ServerInterval;
  /** How far Graph's clock is ahead of ours at the least, ms, by the latest dated answer; negative when behind. `undefined` before one. */
  aheadMs(): number | undefined;
}

/** A `Date` header names a whole second. Source: RFC 9110 section 5.6.7 (read 2026-11-22). */
const DATE_RESOLUTION_MS = 1000;

/** Chosen: what Kerberos, and with it most fleets, tolerates between two clocks; used only until any answer had a `Date`. */
const UNKNOWN_OFFSET_MS = 300_000;

/**
 * With a `Date`: from the start of its second less the whole round trip, to the end of its second. Without: our own send and receive
 * instants, moved by the offset bounds the latest dated answer left, or by five minutes either way before there was one.
 */
export function createServerClock(): ServerClock {
  let lowestOffsetMs = -UNKNOWN_OFFSET_MS;
  let highestOffsetMs = UNKNOWN_OFFSET_MS;
  let isKnown = false;
  return {
    aheadMs: () => (isKnown ? lowestOffsetMs : undefined),
    observe({ date, sentAtMs, receivedAtMs }) {
      const dateMs = parseHttpDate(date);
      if (dateMs === undefined) {
        return { earliestMs: sentAtMs + lowestOffsetMs, latestMs: receivedAtMs + highestOffsetMs };
      }
      const secondMs = Math.floor(dateMs / DATE_RESOLUTION_MS) * DATE_RESOLUTION_MS;
      isKnown = true;
      lowestOffsetMs = secondMs - receivedAtMs;
      highestOffsetMs = secondMs + DATE_RESOLUTION_MS - sentAtMs;
      return {
        earliestMs: secondMs - Math.max(0, receivedAtMs - sentAtMs),
        latestMs: secondMs + DATE_RESOLUTION_MS,
      };
    },
  };
}
