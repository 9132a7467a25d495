/** A queue of instants that grows as needed: what happened within the last window. Layer: simulator. */

export interface TimestampQueue {
  readonly size: () => number;
  push(atMs: number): void;
  /** Forgets everything at or before that instant. */
  dropUntil(atMs: number): void;
  /** The `position`-th oldest, from 0. @throws {RangeError} outside the queue. */
  at(position: number): number;
}

/** Instants must be pushed in order. Every operation is O(1) amortised. */
export function createTimestampQueue(): TimestampQueue {
  let ring = new Float64Array(64);
  let head = 0;
  let size = 0;

  function grow(): void {
    const larger = new Float64Array(ring.length * 2);
    for (let i = 0; i < size; i += 1) larger[i] = ring[(head + i) % ring.length] as number;
    ring = larger;
    head = 0;
  }

  return {
    size: () => size,
    push(atMs) {
      if (size === ring.length) grow();
      ring[(head + size) % ring.length] = atMs;
      size += 1;
    },
    dropUntil(atMs) {
      while (size > 0 && (ring[head] as number) <= atMs) {
        head = (head + 1) % ring.length;
        size -= 1;
      }
    },
    at(position) {
      if (position < 0 || position >= size) throw new RangeError(`position must be 0 to ${size - 1}, got ${position}`);
      return ring[(head + position) % ring.length] as number;
    },
  };
}
