/** A seeded sample: the same seed and items give the same choice. Pure. Layer: domain. */

/** Up to `count` of `items`, in the order of `items`. */
export function seededSample<T>(items: readonly T[], count: number, seed: number): readonly T[] {
  if (items.length <= count) return items;
  const next = mulberry32(seed);
  const chosen = new Set<number>();
  // Floyd's algorithm: every subset is equally likely, without shuffling a million items.
  for (let j = items.length - count; j < items.length; j++) {
    const pick = Math.floor(next() * (j + 1));
    chosen.add(chosen.has(pick) ? j : pick);
  }
  return [...chosen].sort((a, b) => a - b).map((i) => items[i] as T);
}

function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
