/** How long things took, in classes that suit whatever came: seconds or weeks. Pure. Layer: domain. */

const [S, MIN, H, D] = [1_000, 60_000, 3_600_000, 86_400_000];

/** Bounds people think in. Chosen. */
const BOUNDS_MS = [
  ...[1, 2, 5, 10, 20, 30].map((n) => n * S),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MIN),
  ...[1, 2, 4, 8, 12].map((n) => n * H),
  ...[1, 2, 4, 7, 14, 30, 60].map((n) => n * D),
];
/** Chosen: what fits beside each other on a phone. */
const MOST_CLASSES = 9;

/** Devices that took less than `belowMs`, and at least as long as the class before says. */
export interface TimeClass {
  readonly belowMs: number;
  readonly count: number;
}

export interface TimeDistribution {
  readonly count: number;
  readonly medianMs: number;
  /** Nine of ten took no longer. */
  readonly p90Ms: number;
  readonly longestMs: number;
  /** Ascending, without empty ones at either end. At most nine; the first begins at `leastMs`. */
  readonly leastMs: number;
  readonly classes: readonly TimeClass[];
}

/** `undefined` when nothing was measured. Sorts what it is given. */
export function distributeTimes(timesMs: Float64Array): TimeDistribution | undefined {
  const count = timesMs.length;
  if (count === 0) return undefined;
  timesMs.sort();
  const at = (share: number) => timesMs[Math.min(count - 1, Math.ceil(share * count) - 1)] ?? 0;
  const [first = 0, longestMs = 0] = [timesMs[0], timesMs[count - 1]];
  const before = BOUNDS_MS.filter((bound) => bound <= first).length;
  const after = BOUNDS_MS.filter((bound) => bound <= longestMs).length;
  const bounds = thinned([...BOUNDS_MS.slice(before, after), BOUNDS_MS[after] ?? Number.POSITIVE_INFINITY]);
  const classes: TimeClass[] = [];
  let from = 0;
  for (const belowMs of bounds) {
    let to = from;
    while (to < count && (timesMs[to] ?? 0) < belowMs) to += 1;
    classes.push({ belowMs, count: to - from });
    from = to;
  }
  return { count, medianMs: at(0.5), p90Ms: at(0.9), longestMs, leastMs: BOUNDS_MS[before - 1] ?? 0, classes };
}

/** Every second, or third, counted from the last, so that no more than the most are left. */
function thinned(bounds: readonly number[]): readonly number[] {
  const step = Math.ceil(bounds.length / MOST_CLASSES);
  return bounds.filter((_bound, i) => (bounds.length - 1 - i) % step === 0);
}
