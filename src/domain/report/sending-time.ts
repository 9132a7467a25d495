/** The time in which a run was sending, in stretches without long breaks, and the bars that it is shown in. Pure. Layer: domain. */
import type { Span } from './throttled-time.ts';

/** Chosen: a bar each on a phone. */
const MOST_BARS = 60;
/** Chosen: sending stopped when nothing was sent for so many windows (five minutes of the default); a 429 mostly pauses for one or two. */
const BREAK_WINDOWS = 15;
/** Graph tells when it answered in whole seconds. Source: RFC 9110, section 5.6.7 (read 2026-11-22). */
const LEAST_BAR_MS = 1_000;

/** So many requests were answered in the second that begins there; none: something else went on. */
export type ActiveSecond = readonly [atMs: number, requests: number];

/** Something was sent, or throttled, all along. */
export interface Stretch extends Span {
  readonly times: readonly ActiveSecond[];
}

/** Longer silence is a break. */
function longestSilenceMs(windowMs: number): number {
  return Math.max(BREAK_WINDOWS * windowMs, LEAST_BAR_MS * 2);
}

/** Requests by the second, with the beginning of each pause, and its end unless it is a break by itself. Ascending. */
export function activeSeconds(
  requests: ReadonlyMap<number, number>,
  pauses: readonly Span[],
  windowMs: number,
): readonly ActiveSecond[] {
  const seconds = new Map(requests);
  const touch = (atMs: number) => {
    const second = Math.floor(atMs / 1_000);
    seconds.set(second, seconds.get(second) ?? 0);
  };
  for (const { fromMs, untilMs } of pauses) {
    touch(fromMs);
    if (untilMs - fromMs <= longestSilenceMs(windowMs)) touch(Math.max(fromMs, untilMs - 1));
  }
  return [...seconds].sort(([a], [b]) => a - b).map(([second, n]) => [second * 1_000, n]);
}

export function stretchesOf(times: readonly ActiveSecond[], windowMs: number): readonly Stretch[] {
  const stretches: ActiveSecond[][] = [];
  for (const time of times) {
    const current = stretches.at(-1);
    const last = current?.at(-1);
    if (current === undefined || last === undefined || time[0] - last[0] > longestSilenceMs(windowMs)) {
      stretches.push([time]);
    } else current.push(time);
  }
  return stretches.map((part) => ({
    fromMs: part[0]?.[0] ?? 0,
    untilMs: (part.at(-1)?.[0] ?? 0) + 1_000,
    times: part,
  }));
}

/** Whole windows, unless those are shorter than a second; every stretch rounds up to whole bars. */
export function barLength(stretches: readonly Stretch[], windowMs: number): number {
  const sendingMs = stretches.reduce((sum, { fromMs, untilMs }) => sum + untilMs - fromMs, 0);
  const unitMs = Math.max(LEAST_BAR_MS, windowMs);
  const bars = Math.max(1, MOST_BARS - stretches.length);
  return Math.max(1, Math.ceil(sendingMs / unitMs / bars)) * unitMs;
}
