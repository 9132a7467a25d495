/** Clocks: how far a server's may differ from ours before something goes wrong. Pure. Layer: app. */
import { CLOCK_MARGIN_MS } from '../../domain/newer-key.ts';
import { type Check, fail, ok, warn } from './check.ts';
import { roughly } from './words.ts';

/**
 * From here on a proof could be wrong: an answer of Graph's without a `Date`, before any that had one, is placed within this of our clock.
 * Chosen there (`server-clock.ts` of the Graph adapter) as what Kerberos and most fleets tolerate. Tokens of Entra are refused from about
 * there too, and signed storage requests from 15 minutes. Source: Azure Storage, "Authorize with Shared Key", "Specifying the Date header"
 * (read 2026-11-22).
 */
export const CLOCK_FAILS_FROM_MS = 300_000;

/** Warn from the margin that instants of ours are given when nothing else is known; below it, clocks agree as far as `Date` tells. */
export const CLOCK_WARNS_FROM_MS = CLOCK_MARGIN_MS;

const ACTION = "synchronise this machine's clock (NTP); if it is right, try again and report it";

/** `aheadMs`: how far the server's clock is ahead of ours at the least; negative when behind. */
export function checkClock(name: 'storageClock' | 'graphClock', whose: string, aheadMs: number): Check {
  const apartMs = Math.abs(aheadMs);
  const message = `${whose} clock is ${roughly(apartMs)} ${aheadMs > 0 ? 'ahead of' : 'behind'} this machine's`;
  if (apartMs >= CLOCK_FAILS_FROM_MS)
    return fail(name, `${message}: tokens, signatures and proofs rest on time`, ACTION);
  if (apartMs >= CLOCK_WARNS_FROM_MS) return warn(name, message, ACTION);
  return ok(name, `${whose} clock and this machine's agree`);
}
